enum _StubSharedMemLink {}

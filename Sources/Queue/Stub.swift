enum _StubQueue {}

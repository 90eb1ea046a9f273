enum _StubFDLink {}

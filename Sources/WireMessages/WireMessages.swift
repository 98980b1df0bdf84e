// The first file of WireMessages goes here.

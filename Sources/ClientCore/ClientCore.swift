// The first file of ClientCore goes here.

// The first file of Transport goes here.

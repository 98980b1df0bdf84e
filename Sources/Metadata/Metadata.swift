// The first file of Metadata goes here.

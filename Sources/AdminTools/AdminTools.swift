// The first file of AdminTools goes here.

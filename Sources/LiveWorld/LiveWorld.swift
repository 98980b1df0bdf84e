// The first file of LiveWorld goes here.

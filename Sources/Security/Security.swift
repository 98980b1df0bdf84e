// The first file of Security goes here.

// The first file of Coordinators goes here.

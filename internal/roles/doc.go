// Package roles tells about the roles of an account from its records and from
// what was really done with them: what each is for, and which policy would be
// enough ([Finder.Suggest], by package suggest).
package roles

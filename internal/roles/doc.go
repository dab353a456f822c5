// Package roles tells about the roles of an account from its records and from
// what was really done with them: what each is for, who may assume it, what
// needs it and what it was used for ([Finder.Explain]), and which policy would
// be enough ([Finder.Suggest], by package suggest).
//
// What a kind of role is for comes from a glossary; everything else is what is
// there and what happened here.
package roles

package acm

// RenewDue is one round of the renewal loop.
var RenewDue = (*Service).renewDue

// Package template reads CloudFormation templates as CloudFormation reads them
// and evaluates what is in them: parameters, mappings, conditions, rules,
// intrinsic functions, pseudo parameters, outputs, dynamic references and the
// graph of dependencies between resources.
//
// It is pure: no clock, no network, no store. What a template needs from
// outside (zones of a region, exports of other stacks, attributes of resources,
// stored parameters) comes in through the functions of an Env. It imports
// nothing of ours; packages cloudformation and sam use it.
//
// A document is a tree of Values which know the line they stand on. Scalars
// keep the spelling they were written with, because what 010, 1e3 or
// 012345678901 is depends on the property that they are given to. Dates are
// strings; of duplicate keys the last wins; YAML aliases are refused, as
// CloudFormation does, so a small text cannot unfold into a large one.
//
// Errors that a template's author makes are *Error, with CloudFormation's text.
package template

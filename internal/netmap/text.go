package netmap

import (
	"fmt"
	"io"
	"strings"
)

// Text draws a VPC as a tree.
func Text(w io.Writer, v VPC) {
	fmt.Fprintf(w, "%s  %s\n", both(v.Name, v.ID), strings.Join(v.CIDRs, ", "))
	t := tree{w}
	var top []node
	for _, note := range v.Notes {
		top = append(top, node{text: "! " + note})
	}
	for _, g := range v.Gateways {
		top = append(top, node{text: g.What + " " + both(g.Name, g.ID)})
	}
	for _, z := range v.Zones {
		top = append(top, zoneNode(v, z))
	}
	tables := node{text: "route tables"}
	for _, table := range v.Tables {
		tables.below = append(tables.below, tableNode(table))
	}
	groups := node{text: "security groups"}
	for _, g := range v.Groups {
		n := node{text: both(g.Name, g.ID)}
		for _, side := range []struct {
			way   string
			rules []string
		}{{"in ", g.In}, {"out", g.Out}} {
			text := "nothing"
			if len(side.rules) > 0 {
				text = strings.Join(side.rules, "; ")
			}
			n.below = append(n.below, node{text: side.way + "  " + text})
		}
		groups.below = append(groups.below, n)
	}
	t.draw("", append(top, tables, groups))
}

func zoneNode(v VPC, z Zone) node {
	n := node{text: z.Name}
	for _, s := range z.Subnets {
		sub := node{text: fmt.Sprintf("%s  %s  %s, route table %s", both(s.Name, s.ID), s.CIDR, s.Way, v.tableName(s.Table))}
		for _, i := range s.Interfaces {
			text := i.Title
			if i.Detail != "" {
				text += " (" + i.Detail + ")"
			}
			text += "  " + i.IP
			if i.Public != "" {
				text += ", public " + i.Public
			}
			if len(i.Groups) > 0 {
				text += "  [" + strings.Join(v.groupNames(i.Groups), ", ") + "]"
			}
			sub.below = append(sub.below, node{text: text})
		}
		n.below = append(n.below, sub)
	}
	return n
}

func tableNode(t Table) node {
	n := node{text: both(t.Name, t.ID)}
	if t.Main {
		n.text += ", main"
	}
	for _, r := range t.Routes {
		text := r.To + " → " + r.By
		if r.Dead {
			text += " (leads nowhere)"
		}
		n.below = append(n.below, node{text: text})
	}
	return n
}

// tableName is the name of a route table, or its id.
func (v VPC) tableName(id string) string {
	for _, t := range v.Tables {
		if t.ID == id && t.Name != "" {
			return t.Name
		}
	}
	return id
}

// groupNames are the names of security groups, or their ids.
func (v VPC) groupNames(ids []string) []string {
	var out []string
	for _, id := range ids {
		name := id
		for _, g := range v.Groups {
			if g.ID == id {
				name = g.Name
			}
		}
		out = append(out, name)
	}
	return out
}

// tree draws nodes with lines.
type tree struct{ w io.Writer }

type node struct {
	text  string
	below []node
}

func (t tree) draw(indent string, nodes []node) {
	for i, n := range nodes {
		branch, next := "├ ", "│ "
		if i == len(nodes)-1 {
			branch, next = "└ ", "  "
		}
		fmt.Fprintf(t.w, "%s%s%s\n", indent, branch, n.text)
		t.draw(indent+next, n.below)
	}
}

package netmap

import (
	"fmt"
	"io"
	"strings"
)

// Mermaid draws VPCs as a flow chart for pages that render Mermaid.
func Mermaid(w io.Writer, vpcs ...VPC) {
	fmt.Fprintln(w, "flowchart TB")
	fmt.Fprintln(w, "  internet((internet))")
	for _, v := range vpcs {
		mermaidVPC(w, v)
	}
	fmt.Fprintln(w, "  classDef public stroke:#2f9e44,stroke-width:2px")
	fmt.Fprintln(w, "  classDef isolated stroke-dasharray:4 3")
}

func mermaidVPC(w io.Writer, v VPC) {
	fmt.Fprintf(w, "  subgraph %s[\"%s\"]\n", mermaidID(v.ID), quote(both(v.Name, v.ID)+" "+strings.Join(v.CIDRs, ", ")))
	for _, g := range v.Gateways {
		fmt.Fprintf(w, "    %s{{\"%s\"}}\n", mermaidID(g.ID), quote(g.What+"<br/>"+both(g.Name, g.ID)))
	}
	for _, z := range v.Zones {
		fmt.Fprintf(w, "    subgraph %s[\"%s\"]\n", mermaidID(v.ID+z.Name), z.Name)
		for _, s := range z.Subnets {
			fmt.Fprintf(w, "      subgraph %s[\"%s\"]\n", mermaidID(s.ID), quote(both(s.Name, s.ID)+"<br/>"+s.CIDR+" · "+string(s.Way)))
			for _, i := range s.Interfaces {
				text := i.Title + "<br/>" + i.IP
				if i.Public != "" {
					text += " / " + i.Public
				}
				if len(i.Groups) > 0 {
					text += "<br/>" + strings.Join(v.groupNames(i.Groups), ", ")
				}
				fmt.Fprintf(w, "        %s[\"%s\"]\n", mermaidID(i.ID), quote(text))
			}
			if len(s.Interfaces) == 0 {
				fmt.Fprintf(w, "        %s[ ]\n", mermaidID(s.ID+"-empty"))
			}
			fmt.Fprintln(w, "      end")
		}
		fmt.Fprintln(w, "    end")
	}
	fmt.Fprintln(w, "  end")
	for _, g := range v.Gateways {
		if g.What == "internet gateway" {
			fmt.Fprintf(w, "  %s --- internet\n", mermaidID(g.ID))
		}
	}
	for _, z := range v.Zones {
		for _, s := range z.Subnets {
			v.mermaidRoutes(w, s)
		}
	}
}

// mermaidRoutes draws a subnet's routes to gateways.
func (v VPC) mermaidRoutes(w io.Writer, s Subnet) {
	for _, t := range v.Tables {
		if t.ID != s.Table {
			continue
		}
		for _, r := range t.Routes {
			for _, g := range v.Gateways {
				if r.By == g.ID || g.Name != "" && r.By == g.Name {
					fmt.Fprintf(w, "  %s -- \"%s\" --> %s\n", mermaidID(s.ID), quote(r.To), mermaidID(g.ID))
				}
			}
		}
	}
	if s.Way == Public {
		fmt.Fprintf(w, "  class %s public\n", mermaidID(s.ID))
	}
	if s.Way == Isolated {
		fmt.Fprintf(w, "  class %s isolated\n", mermaidID(s.ID))
	}
}

// mermaidID is an id that Mermaid takes.
func mermaidID(id string) string {
	return strings.NewReplacer("-", "_", ".", "_", "/", "_").Replace(id)
}

// quote lets nothing through that Mermaid reads as markup, but line breaks.
func quote(s string) string {
	return strings.NewReplacer("<br/>", "<br/>", `"`, "#quot;", "<", "#lt;", ">", "#gt;").Replace(s)
}

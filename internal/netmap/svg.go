package netmap

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// The measures of a drawing, in pixels.
const (
	margin     = 28
	cardWidth  = 232
	cardHeight = 58
	gap        = 12
	subnetHead = 46
	sideWidth  = 330
	line       = 17
	glyph      = 6.7 // width of a character of small text, at most
	bold       = 7.6 // of bold text
)

// shownCards is how many interfaces of a subnet are drawn; the rest is counted.
const shownCards = 12

// style colours a drawing for light and dark pages. Nothing is told by colour alone.
const style = `<style>
text{font:12px ui-sans-serif,system-ui,"Segoe UI",Helvetica,Arial,sans-serif;fill:#1f2933}
.page{fill:#ffffff}.vpc{fill:#f8fafc;stroke:#7c5cbf;stroke-width:1.5}.zone{fill:none;stroke:#8a97a6;stroke-dasharray:5 4}
.public{fill:#ebfbee;stroke:#2f9e44}.nat{fill:#e7f5ff;stroke:#1c7ed6}.isolated{fill:#f1f3f5;stroke:#868e96}
.card{fill:#ffffff;stroke:#ced4da}.pill{fill:#f3f0ff;stroke:#7c5cbf}.side{fill:#ffffff;stroke:#ced4da}
.title{font-size:17px;font-weight:600}.head{font-weight:600}.dim{fill:#5f6b7a}.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:11px}
.icon{fill:#ffffff;font-weight:700;font-size:11px}.dead{fill:#c92a2a}.link{stroke:#7c5cbf;stroke-width:1.5;fill:none}
.task{fill:#d9730d}.endpoint{fill:#7048e8}.natgw{fill:#1c7ed6}.lb{fill:#0b7285}.other{fill:#868e96}
.chip{fill:#edf2ff;stroke:#91a7ff}.chiptext{fill:#364fc7;font-size:11px}
@media (prefers-color-scheme:dark){
text{fill:#e6edf3}.page{fill:#0d1117}.vpc{fill:#11161d;stroke:#a78bfa}.zone{stroke:#6e7681}
.public{fill:#0f2417;stroke:#40c057}.nat{fill:#0c1f33;stroke:#4dabf7}.isolated{fill:#161b22;stroke:#8b949e}
.card,.side{fill:#1b222c;stroke:#3d4652}.pill{fill:#231b3a;stroke:#a78bfa}.dim{fill:#9aa7b4}.dead{fill:#ff8787}.link{stroke:#a78bfa}
.chip{fill:#1b2440;stroke:#5c7cfa}.chiptext{fill:#bac8ff}.icon{fill:#ffffff}
}
</style>
`

// SVG draws VPCs one below the other. The drawing has its own background and
// follows the reader's light or dark colours.
func SVG(w io.Writer, vpcs ...VPC) error {
	var body strings.Builder
	width, y := 640.0, float64(margin)
	for _, v := range vpcs {
		d := drawing{b: &body, v: v}
		right, bottom := d.vpc(margin, y)
		width, y = max(width, right+margin), bottom+margin
	}
	_, err := fmt.Fprintf(w, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" role=\"img\">\n%s<rect class=\"page\" width=\"100%%\" height=\"100%%\"/>\n%s</svg>\n",
		width, y, width, y, style, body.String())
	return err
}

// drawing draws one VPC.
type drawing struct {
	b *strings.Builder
	v VPC
}

func (d drawing) rect(class string, x, y, w, h, r float64) {
	fmt.Fprintf(d.b, "<rect class=\"%s\" x=\"%.0f\" y=\"%.0f\" width=\"%.0f\" height=\"%.0f\" rx=\"%.0f\"/>\n", class, x, y, w, h, r)
}

// text writes one line, cut to a width when there is one.
func (d drawing) text(class string, x, y, width float64, s string) {
	each := glyph
	if strings.HasPrefix(class, "head") {
		each = bold
	}
	if most := int(width / each); width > 0 && utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:max(1, most-1)]) + "…"
	}
	var escaped strings.Builder
	_ = xml.EscapeText(&escaped, []byte(s))
	fmt.Fprintf(d.b, "<text class=\"%s\" x=\"%.0f\" y=\"%.0f\">%s</text>\n", class, x, y, escaped.String())
}

// vpc draws the VPC and returns where it ends.
func (d drawing) vpc(x, y float64) (right, bottom float64) {
	top := y + 26
	heading := strings.Join(append([]string{d.v.ID}, d.v.CIDRs...), " · ")
	inner := top + 70
	zoneX, zonesBottom := x+margin, inner
	for _, z := range d.v.Zones {
		w, h := zoneSize(z)
		zoneX, zonesBottom = zoneX+w+gap*1.5, max(zonesBottom, inner+h)
	}
	zonesRight := max(zoneX, x+margin+260)
	sideBottom := inner + d.sideHeight()
	bottom = max(zonesBottom, sideBottom) + margin
	right = zonesRight + sideWidth + margin
	for at, i := x+margin, 0; i < len(d.v.Gateways); i++ {
		at += pillWidth(d.v.Gateways[i]) + gap
		right = max(right, at+margin)
	}

	d.rect("vpc", x, top, right-x, bottom-top, 10)
	name := d.v.Name
	if name == "" {
		name = "VPC"
	}
	d.text("title", x+margin, top+38, 0, name)
	d.text("dim mono", x+margin, top+58, 0, heading+strings.Join(prepend("  ! ", d.v.Notes), ""))
	d.gateways(x+margin, y)
	zx := x + margin
	for _, z := range d.v.Zones {
		w, _ := zoneSize(z)
		d.zone(z, zx, inner, zonesBottom-inner)
		zx += w + gap*1.5
	}
	d.side(zonesRight, inner)
	return right, bottom
}

func prepend(with string, all []string) (out []string) {
	for _, s := range all {
		out = append(out, with+s)
	}
	return out
}

// gateways draws the ways out on the VPC's upper border.
func (d drawing) gateways(x, y float64) {
	for _, g := range d.v.Gateways {
		w := pillWidth(g)
		d.rect("pill", x, y+12, w, 28, 14)
		d.text("head", x+15, y+30, 0, pillText(g))
		fmt.Fprintf(d.b, "<path class=\"link\" d=\"M%.0f %.0fv-10m-5 5l5-5l5 5\"/>\n", x+w/2, y+12)
		x += w + gap
	}
}

func pillText(g Gateway) string {
	if g.Name == "" {
		return g.What
	}
	return g.What + " · " + g.Name
}

func pillWidth(g Gateway) float64 { return float64(utf8.RuneCountInString(pillText(g)))*bold + 30 }

// columns is in how many columns the cards of a zone's subnets stand.
func columns(z Zone) int {
	for _, s := range z.Subnets {
		if len(s.Interfaces) > 4 {
			return 2
		}
	}
	return 1
}

func subnetHeight(s Subnet, columns int) float64 {
	shown := min(len(s.Interfaces), shownCards)
	rows := (shown + columns - 1) / columns
	h := subnetHead + float64(rows)*(cardHeight+8) + 6
	if len(s.Interfaces) == 0 {
		h += line
	}
	if len(s.Interfaces) > shownCards {
		h += line
	}
	return h
}

func zoneSize(z Zone) (w, h float64) {
	n := columns(z)
	w, h = float64(n)*(cardWidth+8)+gap*4-8, 34
	for _, s := range z.Subnets {
		h += subnetHeight(s, n) + gap
	}
	return w, h + 4
}

func (d drawing) zone(z Zone, x, y, height float64) {
	w, _ := zoneSize(z)
	d.rect("zone", x, y, w, height, 8)
	d.text("head dim", x+gap, y+21, 0, z.Name)
	at, n := y+34, columns(z)
	for _, s := range z.Subnets {
		d.subnet(s, x+gap, at, w-2*gap, n)
		at += subnetHeight(s, n) + gap
	}
}

func (d drawing) subnet(s Subnet, x, y, w float64, columns int) {
	class := map[Way]string{Public: "public", NATed: "nat", Isolated: "isolated"}[s.Way]
	d.rect(class, x, y, w, subnetHeight(s, columns), 6)
	name := s.Name
	if name == "" {
		name = s.ID
	}
	d.text("head", x+gap, y+19, w-gap*2-80, name)
	d.text("dim", x+w-gap-float64(len(s.Way))*glyph, y+19, 0, string(s.Way))
	d.text("dim mono", x+gap, y+36, w-gap*2, s.CIDR+" · table "+d.v.tableName(s.Table))
	if len(s.Interfaces) == 0 {
		d.text("dim", x+gap, y+subnetHead+10, 0, "nothing has an address here")
	}
	for i, card := range s.Interfaces[:min(len(s.Interfaces), shownCards)] {
		d.card(card, x+gap+float64(i%columns)*(cardWidth+8), y+subnetHead+float64(i/columns)*(cardHeight+8))
	}
	if more := len(s.Interfaces) - shownCards; more > 0 {
		d.text("dim", x+gap, y+subnetHeight(s, columns)-10, 0, fmt.Sprintf("and %d more", more))
	}
}

// card draws an interface: what it is, its addresses, its security groups.
func (d drawing) card(i Interface, x, y float64) {
	icon := map[Kind][2]string{Task: {"task", "T"}, Endpoint: {"endpoint", "E"}, NATGateway: {"natgw", "N"}, LoadBalancer: {"lb", "L"}, Other: {"other", "I"}}[i.Kind]
	d.rect("card", x, y, cardWidth, cardHeight, 5)
	d.rect(icon[0], x+8, y+8, 20, 20, 4)
	d.text("icon", x+14, y+22, 0, icon[1])
	address := i.IP
	if i.Public != "" {
		address += " / " + i.Public
	} else if i.Kind == Task || i.Kind == Other {
		address += " " + i.Detail
	}
	d.text("head", x+36, y+17, cardWidth-40, i.Title)
	d.text("dim mono", x+36, y+31, cardWidth-40, address)
	detail := x + 8
	for _, g := range d.v.groupNames(i.Groups) {
		w := min(float64(utf8.RuneCountInString(g))*glyph+14, x+cardWidth-8-detail)
		if w < 30 {
			break
		}
		d.rect("chip", detail, y+37, w, 16, 8)
		d.text("chiptext", detail+7, y+49, w-10, g)
		detail += w + 5
	}
}

// sideHeight is the height of the column of route tables and groups.
func (d drawing) sideHeight() float64 {
	h := 0.0
	for _, t := range d.v.Tables {
		h += 34 + float64(len(t.Routes))*line + gap
	}
	for _, g := range d.v.Groups {
		h += 34 + float64(rows(g))*line + gap
	}
	return h + 2*(line+6)
}

func rows(g Group) int { return max(1, len(g.In)) + max(1, len(g.Out)) }

// side draws route tables and security groups.
func (d drawing) side(x, y float64) {
	d.text("head dim", x, y+12, 0, "Route tables")
	y += line + 6
	for _, t := range d.v.Tables {
		h := 34 + float64(len(t.Routes))*line
		d.rect("side", x, y, sideWidth, h, 5)
		name := both(t.Name, t.ID)
		if t.Main {
			name += " · main"
		}
		d.text("head", x+gap, y+20, sideWidth-gap*2, name)
		for i, r := range t.Routes {
			class := "mono"
			by := r.By
			if r.Dead {
				class, by = "mono dead", r.By+" ✗"
			}
			d.text(class, x+gap, y+38+float64(i)*line, sideWidth-gap*2, r.To+" → "+by)
		}
		y += h + gap
	}
	d.text("head dim", x, y+12, 0, "Security groups")
	y += line + 6
	for _, g := range d.v.Groups {
		h := 34 + float64(rows(g))*line
		d.rect("side", x, y, sideWidth, h, 5)
		d.text("head", x+gap, y+20, sideWidth-gap*2, both(g.Name, g.ID))
		at := y + 38
		for _, side := range []struct {
			way   string
			rules []string
		}{{"in   ", g.In}, {"out  ", g.Out}} {
			if len(side.rules) == 0 {
				side.rules = []string{"nothing"}
			}
			for _, r := range side.rules {
				d.text("mono", x+gap, at, sideWidth-gap*2, side.way+r)
				at += line
			}
		}
		y += h + gap
	}
}

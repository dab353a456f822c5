// Package cost says what the resources that are there would cost on AWS in a
// month: what is paid by the hour from what exists, what is paid by use from the
// traffic and bytes that were measured here.
//
// Gather reads the records into usage; Estimate, which is pure, puts prices to
// it. The prices are a dated table, prices.json, in whose place a person may put
// their own.
package cost

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
)

// HoursPerMonth is what AWS's own calculator counts with.
const HoursPerMonth = 730

//go:embed prices.json
var builtIn []byte

// BuiltIn is the built-in table of prices, as JSON.
func BuiltIn() []byte { return builtIn }

// Prices are what AWS asks for.
type Prices struct {
	Date   string           `json:"date"`   // of the table
	Region string           `json:"region"` // where they hold
	Prices map[string]Price `json:"prices"`
}

// Price is the price of one unit.
type Price struct {
	USD  float64 `json:"usd"`
	Unit string  `json:"unit"`
}

// Read reads a table of prices; nil is the built-in one. Every price that
// estimates need must be in it.
func Read(text []byte) (Prices, error) {
	own := text != nil
	if !own {
		text = builtIn
	}
	var p Prices
	if err := json.Unmarshal(text, &p); err != nil {
		return p, fmt.Errorf("the table of prices is not valid JSON: %w", err)
	}
	if !own {
		return p, nil
	}
	all, err := Read(nil)
	if err != nil {
		return p, err
	}
	for name := range all.Prices {
		if _, ok := p.Prices[name]; !ok {
			return p, fmt.Errorf("the table of prices has no %s", name)
		}
	}
	return p, nil
}

// Usage is how much of something a month takes.
type Usage struct {
	Price    string // its name in the table
	Resource string // what it is for, as people name it
	Quantity float64
	Note     string // how it was measured, where it was
}

// Line is a line of the bill.
type Line struct {
	Resource string
	Price    string
	Quantity float64
	Unit     string
	USD      float64 // a month
	Note     string
}

// Bill is what a month costs.
type Bill struct {
	Total  float64 // USD
	Lines  []Line  // the dearest first
	Date   string  // of the prices
	Region string  // of the prices
}

// Estimate puts prices to usage.
func Estimate(usage []Usage, p Prices) Bill {
	bill := Bill{Date: p.Date, Region: p.Region, Lines: []Line{}}
	for _, u := range usage {
		if u.Quantity == 0 {
			continue
		}
		price := p.Prices[u.Price]
		l := Line{Resource: u.Resource, Price: u.Price, Quantity: u.Quantity, Unit: price.Unit, USD: u.Quantity * price.USD, Note: u.Note}
		bill.Lines = append(bill.Lines, l)
		bill.Total += l.USD
	}
	slices.SortStableFunc(bill.Lines, func(a, b Line) int { return cmp.Compare(b.USD, a.USD) })
	return bill
}

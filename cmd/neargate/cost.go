package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/cli"
	"github.com/neargate/neargate/internal/control"
	"github.com/neargate/neargate/internal/cost"
	"github.com/neargate/neargate/internal/metrics"
	"github.com/neargate/neargate/internal/state"
	"github.com/spf13/cobra"
)

func costCommand(opts *options) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "cost [STACK]",
		Short: "Estimate what this would cost on AWS in a month",
		Long: `Estimate what the resources that are there now would cost on AWS in a month of 730 hours: by the hour for
what exists, by use for what was measured here (traffic, capacity units, log lines), extended to a month. With a stack's name,
only what it and the stacks in it made. The prices are a dated table of us-east-1; --prices FILE puts another in
its place (print the built-in one with --prices -).`,
		Example: "  neargate cost\n  neargate cost my-stack --prices my-prices.json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if file == "-" {
				_, err := cmd.OutOrStdout().Write(cost.BuiltIn())
				return err
			}
			prices, err := readPrices(file)
			if err != nil {
				return &cli.Error{What: "the prices cannot be used", Why: err.Error(), Fix: "neargate cost --prices - > prices.json", Code: "cost.prices", Exit: cli.ExitUsage}
			}
			r, err := connect(opts)
			if err != nil {
				return err
			}
			path := "/_neargate/api/usage"
			if len(args) > 0 {
				path += "?stack=" + url.QueryEscape(args[0])
			}
			var usage []cost.Usage
			if err := r.call(cmd.Context(), "GET", path, nil, &usage); err != nil {
				return err
			}
			bill := cost.Estimate(usage, prices)
			if opts.output == "json" {
				return cli.JSON(cmd.OutOrStdout(), "cost", bill)
			}
			printBill(cmd.OutOrStdout(), bill)
			return nil
		},
	}
	cmd.Flags().StringVar(&file, "prices", "", "a table of prices in place of the built-in one; - prints that")
	return cmd
}

func readPrices(file string) (cost.Prices, error) {
	if file == "" {
		return cost.Read(nil)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return cost.Prices{}, err
	}
	return cost.Read(text)
}

func printBill(w io.Writer, b cost.Bill) {
	if len(b.Lines) == 0 {
		fmt.Fprintln(w, "nothing here costs money")
		return
	}
	var rows [][]string
	for _, l := range b.Lines {
		rows = append(rows, []string{fmt.Sprintf("%.2f", l.USD), l.Resource, strings.ReplaceAll(l.Price, "-", " "), fmt.Sprintf("%.2f %s", l.Quantity, l.Unit), orDash(l.Note)})
	}
	cli.Table(w, []string{"USD/MONTH", "FOR", "OF", "QUANTITY", "MEASURED"}, rows)
	fmt.Fprintf(w, "\n%s USD a month, by the prices of %s in %s; without free tiers, data transfer to the internet, and requests\n", cli.StyleFor(w).Bold(fmt.Sprintf("%.2f", b.Total)), b.Date, b.Region)
}

// unitsKept is for how long capacity units are kept by the minute.
const unitsKept = 15 * 24 * time.Hour

// unitHours reads the capacity units of load balancers from their metric: it has
// the units of a minute as one sample, and none of a minute without traffic.
func unitHours(ctx context.Context, numbers *metrics.Store) func(*state.LoadBalancer, time.Time) (float64, time.Time, error) {
	return func(b *state.LoadBalancer, now time.Time) (float64, time.Time, error) {
		since := b.CreatedAt
		if kept := now.Add(-unitsKept); since.Before(kept) {
			since = kept
		}
		k := metrics.Key{Account: b.Account, Region: b.Region, Namespace: "AWS/ApplicationELB", Name: "ConsumedLCUs", Unit: "Count", Dimensions: metrics.Dims(metrics.Dimension{Name: "LoadBalancer", Value: b.Path})}
		if b.Type == "network" {
			k.Namespace = "AWS/NetworkELB"
		}
		points, err := numbers.Read(ctx, k, time.Minute, since.Truncate(time.Minute), now)
		units := 0.0
		for _, p := range points {
			units += p.Sum / 60
		}
		return units, since, err
	}
}

// costAPI is what the command asks a running instance for.
type costAPI struct{ gatherer *cost.Gatherer }

func (c *costAPI) register(s *control.Server) {
	s.Handle(control.Route{Pattern: "GET /usage", Handle: c.usage})
}

func (c *costAPI) usage(r *http.Request) (any, error) {
	id := caller.From(r.Context())
	usage, err := c.gatherer.Gather(id.Account, id.Region, r.URL.Query().Get("stack"), time.Now())
	var none cost.ErrNoStack
	if errors.As(err, &none) {
		return nil, &control.Error{Status: http.StatusNotFound, Code: "stack.not-found", Message: none.Error(), Fix: "aws cloudformation list-stacks"}
	}
	return usage, err
}

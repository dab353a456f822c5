package check

import (
	"encoding/json"
	"io"
	"slices"
)

// The parts of SARIF 2.1.0 that code scanning of GitHub and GitLab reads.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool    sarifTool     `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version,omitempty"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string    `json:"id"`
		ShortDescription sarifText `json:"shortDescription"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		PhysicalLocation sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		ArtifactLocation sarifArtifact `json:"artifactLocation"`
		Region           sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
	}
)

// SARIF writes the report in the Static Analysis Results Interchange Format,
// version 2.1.0. The fix is the last part of a result's message.
func (r *Report) SARIF(w io.Writer, version string) error {
	run := sarifRun{Results: []sarifResult{}, Tool: sarifTool{Driver: sarifDriver{
		Name: "neargate check", Version: version, InformationURI: "https://github.com/neargate/neargate/blob/main/docs/check.md", Rules: []sarifRule{},
	}}}
	for _, f := range r.Findings {
		at := slices.IndexFunc(run.Tool.Driver.Rules, func(rule sarifRule) bool { return rule.ID == f.Code })
		if at < 0 {
			at = len(run.Tool.Driver.Rules)
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{ID: f.Code, ShortDescription: sarifText{about(f.Code)}})
		}
		text := f.Message
		if f.Fix.Text != "" {
			text += "\n\nFix:\n" + f.Fix.Text
		}
		run.Results = append(run.Results, sarifResult{RuleID: f.Code, RuleIndex: at, Level: string(f.Severity), Message: sarifText{text}, Locations: []sarifLocation{{sarifPhysical{
			ArtifactLocation: sarifArtifact{uri(f.File)}, Region: sarifRegion{StartLine: max(f.Line, 1), StartColumn: max(f.Column, 1)},
		}}}})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}})
}

package rls

import (
	"encoding/json"
	"slices"
)

// JSON is the report as indented JSON, with the fields' names of [Report].
func (r *Report) JSON() ([]byte, error) { return json.MarshalIndent(r, "", "  ") }

// SARIF is the report in the Static Analysis Results Interchange Format 2.1.0 of OASIS, which code
// scanners read. Objects of the database are logical locations. Findings that the baseline
// knows are in it as suppressed ones; what could not be checked is a notification of the tool.
func (r *Report) SARIF() ([]byte, error) {
	log := sarifLog{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0",
		Runs: []sarifRun{{
			Tool:        sarifTool{Driver: sarifDriver{Name: "stratum rls.Check", InformationURI: "https://github.com/stratum-hq/stratum-go", Rules: sarifRules()}},
			Invocations: []sarifInvocation{{Successful: true, Notifications: r.notifications()}},
			Results:     r.results(),
		}},
	}
	return json.MarshalIndent(log, "", "  ")
}

func sarifRules() []sarifRule {
	list := make([]sarifRule, 0, len(Rules()))
	for _, rule := range Rules() {
		list = append(list, sarifRule{
			ID:     rule.ID,
			Short:  sarifText{rule.Sentence},
			Full:   sarifText{rule.Why},
			Config: sarifConfig{rule.Severity.sarif()},
			Props:  sarifProps{Tags: slices.Concat([]string{"row-level-security"}, rule.Also)},
		})
	}
	return list
}

func (r *Report) results() []sarifResult {
	index := map[string]int{}
	for i, rule := range Rules() {
		index[rule.ID] = i
	}
	results := []sarifResult{}
	add := func(f Finding, suppressions []sarifSuppression) {
		text := f.Message + ". " + f.Why
		if f.Fix != "" {
			text += "\n\nFix:\n" + f.Fix
		} else if f.NoFix != "" {
			text += "\n\n" + f.NoFix
		}
		results = append(results, sarifResult{
			RuleID: f.Rule, RuleIndex: index[f.Rule], Level: f.Severity.sarif(), Message: sarifText{text},
			Locations:    []sarifLocation{{[]sarifLogical{{FullyQualifiedName: f.Object, Kind: f.Kind}}}},
			Fingerprints: map[string]string{"stratumRuleObject/v1": f.fingerprint()},
			Suppressions: suppressions,
		})
	}
	for _, f := range r.Findings {
		add(f, nil)
	}
	for _, f := range r.Suppressed {
		add(f, []sarifSuppression{{Kind: "external", Justification: "listed in the baseline"}})
	}
	return results
}

func (r *Report) notifications() []sarifNotification {
	list := []sarifNotification{}
	for _, u := range r.Unchecked {
		n := sarifNotification{Level: "warning", Message: sarifText{"Not checked: " + u.Object + ": " + u.Reason}}
		if u.Rule != "" {
			n.Rule = &sarifReference{u.Rule}
		}
		list = append(list, n)
	}
	for _, e := range r.Stale {
		list = append(list, sarifNotification{Level: "note", Rule: &sarifReference{e.Rule}, Message: sarifText{"Stale entry of the baseline: " + e.Object}})
	}
	return list
}

// sarif is the name that SARIF has for a severity.
func (s Severity) sarif() string {
	if s == Info {
		return "note"
	}
	return string(s)
}

// The parts of SARIF 2.1.0 that are used, with their names in section 3 of the standard.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     []sarifResult     `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID     string      `json:"id"`
		Short  sarifText   `json:"shortDescription"`
		Full   sarifText   `json:"fullDescription"`
		Config sarifConfig `json:"defaultConfiguration"`
		Props  sarifProps  `json:"properties"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifConfig struct {
		Level string `json:"level"`
	}
	sarifProps struct {
		Tags []string `json:"tags"`
	}
	sarifResult struct {
		RuleID       string             `json:"ruleId"`
		RuleIndex    int                `json:"ruleIndex"`
		Level        string             `json:"level"`
		Message      sarifText          `json:"message"`
		Locations    []sarifLocation    `json:"locations"`
		Fingerprints map[string]string  `json:"partialFingerprints"`
		Suppressions []sarifSuppression `json:"suppressions,omitempty"`
	}
	sarifLocation struct {
		Logical []sarifLogical `json:"logicalLocations"`
	}
	sarifLogical struct {
		FullyQualifiedName string `json:"fullyQualifiedName"`
		Kind               string `json:"kind"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Justification string `json:"justification"`
	}
	sarifInvocation struct {
		Successful    bool                `json:"executionSuccessful"`
		Notifications []sarifNotification `json:"toolExecutionNotifications"`
	}
	sarifNotification struct {
		Level   string          `json:"level"`
		Rule    *sarifReference `json:"associatedRule,omitempty"`
		Message sarifText       `json:"message"`
	}
	sarifReference struct {
		ID string `json:"id"`
	}
)

package admit

import (
	"net/http"
	"strings"

	"github.com/stratum-hq/stratum-go/core"
)

// ProblemType is the media type of RFC 9457, section 3.
const ProblemType = "application/problem+json"

// problem is a problem details object: the members of RFC 9457, section 3.1, and
// two extension members (section 3.2). Its type is about:blank, for which the title
// is that of the status (section 4.2.1).
type problem struct {
	Type    string         `json:"type"`
	Title   string         `json:"title"`
	Status  int            `json:"status"`
	Detail  string         `json:"detail"`
	Code    core.Code      `json:"code"`
	Details map[string]any `json:"details,omitempty"`
}

// Problem is [Response] with a body in the form of RFC 9457.
func Problem(err error) (status int, header http.Header, body []byte) {
	status, header, p := public(err)
	header["Content-Type"] = []string{ProblemType}
	return status, header, encode(p.Details, func(details map[string]any) any {
		return problem{
			Type: "about:blank", Title: http.StatusText(status), Status: status,
			Detail: p.Message, Code: p.Code, Details: details,
		}
	})
}

// Answer is [Problem] for a request whose Accept header asks for that media type,
// and [Response] for any other.
func Answer(req core.Request, err error) (status int, header http.Header, body []byte) {
	if accept, _ := req.Header("Accept"); asksForProblem(accept) {
		return Problem(err)
	}
	return Response(err)
}

// asksForProblem reports whether the media type is on the list and not refused by
// q=0. Wildcards do not count: they are content with the envelope.
func asksForProblem(accept string) bool {
	for rest, part := accept, ""; rest != ""; {
		part, rest, _ = strings.Cut(rest, ",")
		name, params, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(name), ProblemType) {
			continue
		}
		q := strings.ReplaceAll(strings.ReplaceAll(params, " ", ""), "\t", "")
		return !strings.HasPrefix(strings.ToLower(q), "q=0") || strings.Trim(q[3:], ".0") != ""
	}
	return false
}

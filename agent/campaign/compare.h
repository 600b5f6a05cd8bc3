// Two campaigns over the same tasks, task by task: the ratio of their scores with an interval, and who won where by more
// than the noise. It reads reports, so campaigns of two daemons compare as well as two of one.
// Threads: pure functions.
// Errors: kInvalidArgument: no report of this form, or the two do not compare; the text names all that differs.
// Source: docs/contracts.md, `passnet.campaign_comparison/1`; agent/campaign/statistics.h.
#pragma once

#include "base/json.h"
#include "base/result.h"

namespace passnet::agent {

// Whether it is a `passnet.campaign_report/1` that holds what a comparison reads.
bool IsCampaignReport(const Json& json);

// `a` and `b` are such reports. How they were measured (profile, call path, matching, device, time cap,
// p, b) must be the same. `force` compares what both have where their tasks, their hosts or what their samples start from
// are not the same; what was overridden stands in `forced` of the result.
Result<Json> CompareReports(const Json& a, const Json& b, bool force);

}  // namespace passnet::agent

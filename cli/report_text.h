// A campaign's report, the comparison of two and the plan of one that was not launched, for a terminal. What the answers
// of a daemon lack, or have in another shape, is shown as "-"; names and reasons are shown printable.
// Threads: pure functions. Errors: none.
// Source: docs/contracts.md, `passnet.campaign_report/1`, `passnet.campaign_comparison/1`, `passnet.campaign_plan/1`.
#pragma once

#include <string>

#include "base/json.h"

namespace passnet::cli {

// A text, printable; "-" for anything else.
std::string Shown(const Json& text);
std::string Shown(const Json& number, const char* format);
std::string Count(const Json& number);

std::string ReportText(const Json& report);
std::string ComparisonText(const Json& comparison);
std::string PlanText(const Json& plan);

}  // namespace passnet::cli

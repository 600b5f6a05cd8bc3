// A campaign's report, and the comparison of two, as one self-contained HTML page each: plots as inline SVG, no script,
// nothing from elsewhere, every text escaped.
// Threads: pure functions. Errors: none: what a report lacks is left out of the page.
#pragma once

#include <string>

#include "base/json.h"

namespace passnet::agent {

std::string ReportPage(const Json& report);          // passnet.campaign_report/1
std::string ComparisonPage(const Json& comparison);  // passnet.campaign_comparison/1

}  // namespace passnet::agent

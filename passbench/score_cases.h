// A file of scoring cases with the figures that the original scorer gave, scored again and compared.
// Threads: thread-safe, blocking. Errors: kInvalidArgument naming file, case and key.
// Source: docs/passbench.md, section 8: the form of es_oracle.json and es_oracle_logs.json.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace passnet::passbench {

struct CaseOutcome {
  std::string name;
  std::vector<std::string> differences;  // "ES(3): 0.5 expected, 0.6 found"; empty when everything agrees
};

// One outcome a case, in the order of the file. `file` is only for messages. Two numbers agree within a relative 1e-12.
Result<std::vector<CaseOutcome>> CheckScoreCases(std::string_view json, const std::string& file);

}  // namespace passnet::passbench

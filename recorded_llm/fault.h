// Faults that the server commits on purpose, at chosen requests.
// Threads: immutable values. Errors: kInvalidArgument (ParseFault: the text tells the accepted forms).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace passnet::recorded_llm {

enum class FaultKind {
  kRateLimit,    // 429 with Retry-After
  kServerError,  // 500
  kHtml,         // 502 with a page of HTML
  kDisconnect,   // half of the body, then the connection closes
  kTruncate,     // half of the answer, no finish_reason, and an orderly end
  kStall,        // half of the body, then silence
  kMalformed,    // JSON that breaks off
};

struct FaultRule {
  FaultKind kind = FaultKind::kServerError;
  int64_t every = 0;          // every n-th request, from the n-th on; 0: not so
  int64_t at = 0;             // this request alone, counted from 1; 0: not so
  int64_t retry_after_s = 1;  // of a 429

  bool AppliesTo(int64_t request) const { return at == request || (every > 0 && request % every == 0); }
};

// "429:every=3", "stall:at=2", "429:at=1,retry_after=5".
Result<FaultRule> ParseFault(std::string_view text);

// The first rule that applies.
std::optional<FaultRule> FaultOf(const std::vector<FaultRule>& rules, int64_t request);

}  // namespace passnet::recorded_llm

// What a process below the zygote answers, read with its types checked. These processes are ours, but they look at what
// strangers wrote: an answer that is no answer is kDataCorrupt, never a broken invariant, and never kInvalidArgument,
// which would blame a task for it. Where a candidate's own code ran in the process, the caller makes the candidate's
// fate of it.
// Threads: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/fields.h"
#include "base/json.h"
#include "base/result.h"

namespace passnet::evaluator {

// `who` opens the error: "the task child gave no usable answer: nested deeper than 100".
Result<Json> ParseAnswer(std::string_view text, std::string_view who);

// The fields that `visit` lists; more of them may be there.
Status ReadAnswer(const Json& answer, std::string_view who, const VisitFn& visit);

// The words of {"error": "…"}, without which the work was done.
Result<std::optional<std::string>> ErrorIn(const Json& answer, std::string_view who);

}  // namespace passnet::evaluator

// Reads and writes a list of launches: the witness tells it, and a process without the candidate's Python is given it. All
// that is taken can be made again without reading or writing beside the tensors that it names.
// Threads: pure functions. Errors: kDataCorrupt (no list; says what is wrong), which is the doing of whoever told it.
// Source: docs/worker_protocol.md, section 8.
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "evaluator/integrity/launches.h"

namespace passnet::evaluator {

Result<LaunchList> ReadLaunches(const Json& told);

// The calls alone.
Json LaunchesJson(const LaunchList& list);

}  // namespace passnet::evaluator

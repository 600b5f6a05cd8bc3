// Whether a process that gives one answer ended after it as an honest one does. A trace child runs a candidate's code, and
// that code can write an answer of its own on the child's socket and leave, or leave something behind it.
// Threads: thread-compatible, blocking.
// Errors: none.
// Source: docs/integrity.md, layer 2.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "evaluator/lane/worker_process.h"

namespace passnet::evaluator {

// What was wrong with the end of a process that has answered; nothing when it ended by itself with status 0 and wrote no
// byte after its answer. Reaps it.
std::optional<std::string> WrongAfterAnswer(WorkerProcess& process, Deadline deadline);

}  // namespace passnet::evaluator

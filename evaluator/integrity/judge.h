// From what was seen to a graph's status and verdict. Pure; the order of precedence is Verdict's own (evaluation.h).
// Threads: thread-safe. Source: docs/integrity.md, sections 3 and 4; docs/passbench.md, section 7 for the statuses.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "evaluator/api/evaluation.h"
#include "evaluator/integrity/observations.h"

namespace passnet::evaluator::integrity {

struct Facts {
  int cores = 1;        // of the lane: what CPU over wall time may reach
  double floor_us = 0;  // what a call cannot be faster than; 0: unknown
};

inline constexpr double kCpuOverWall = 1.02;      // docs/measuring.md
inline constexpr double kIdleCpuUs = 3000;        // chosen: being stopped and moved costs tens of microseconds, once 580
                                                  // were seen of eager; without inputs nothing is gained by more
inline constexpr double kImplausibleShare = 0.8;  // of the floor, whose own spread the rest is for
inline constexpr uint64_t kMaxOutputBytes = 1 << 20; // of text a candidate may print

// Whether a call was faster than the floor lets any be.
bool IsBelowFloor(const Observations& seen, double floor_us);

// Levels t at which a comparison holds, ascending; empty for a mismatch.
std::vector<int> TolerancesOk(const OutputComparison& comparison);

// Sets status, verdict, reason, tolerances_ok and max_abs_diff of a report whose figures are filled in.
void Judge(const Observations& seen, const Facts& facts, GraphReport* report);

// A candidate that could not be installed or whose call did not complete.
void JudgeFailure(const CallFailure& failure, GraphReport* report);

// Whether a candidate printed more than it may; its report then says so and nothing else, since a full output file may be
// the reason for whatever else went wrong.
bool JudgeOutput(uint64_t output_bytes, GraphReport* report);

// Sets the three fields, unless the report already has a verdict that comes first.
void Fail(GraphStatus status, Verdict verdict, std::string reason, GraphReport* report);

// Two measurements of one kernel differ by their noise. The rest is for where its memory lies, and for a Python that is
// written better than ours: what is looked for is work that no launch does, of which a speed-up beyond kReplayed has more.
inline constexpr double kReplayed = 3;
inline constexpr double kReplayAgreement = 1.5;

// `replay`: the report of the candidate's launches alone, made again without its Python and judged like any contender.
void JudgeReplay(const GraphReport& replay, GraphReport* report);

// Of a traceback: its last line that is not blank.
std::string LastLine(const std::string& text);

}  // namespace passnet::evaluator::integrity

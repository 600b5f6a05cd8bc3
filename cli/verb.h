// The verbs of `passnet`: each cli/<verb>_verb.cc gives its table of options and what to run.
// Threads: main thread only. Exit codes: command_line/exit_code.h.
#pragma once

#include "command_line/command_line.h"
#include "command_line/exit_code.h"

namespace passnet::cli {

using command_line::Append;
using command_line::Command;
using command_line::kExitDone;
using command_line::kExitInfrastructure;
using command_line::kExitUsage;
using command_line::kExitVerification;
using command_line::Integers;
using command_line::NotNegative;
using command_line::Numbers;
using command_line::OneOf;
using command_line::Option;

Command TaskVerb();
Command ScoreVerb();
Command EvalVerb();
Command BaselineVerb();
Command DoctorVerb();
Command CampaignVerb();
Command ConfigVerb();
Command TrajectoryVerb();
Command VerifyVerb();
Command LanesVerb();
Command ExportVerb();
Command ReplayVerb();
Command PromptsVerb();

}  // namespace passnet::cli

// Files out of a model's reply, or its word that it is done. The reply is hostile bytes: everything is bounded and named
// before it is used, and a reply that cannot be read has a reason that is precise enough to send back.
// Threads: pure functions. Errors: none: every reply is either files, the word, or a problem.
// Source: prompts/refine_system.md, "The form of your answer"; what models write instead of it is in
// tests/agent_loop/reply_parser_test.cc, and taken where it can mean one thing only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "evaluator/api/evaluation.h"
#include "prompts/refine_prompts.h"

namespace passnet::agent {

struct ParsedReply {
  std::vector<evaluator::CandidateFile> files;  // in the order of the reply; empty when there is a problem
  std::string problem;                          // one line; names the file where one is meant
  bool done = false;                            // a line "#### DONE" and no files: the best round shall stay the last
};

ParsedReply ParseReply(std::string_view reply, const prompts::ReplyLimits& limits);

}  // namespace passnet::agent

// A question to a throw-away child of ours that looks at a candidate's files or patterns and runs none of them: the screen,
// the matcher. What it looks at may end it all the same (a parser that recurses, a search without end), and a candidate
// that can end our processes must not gain by it. So a child that gives no answer is followed by a fresh one, and when that
// gives none either while a third answers for a harmless question, it is the candidate's doing and not ours.
// Threads: thread-compatible, blocking.
// Errors: infrastructure, and only that: children cannot be forked, or give no answer for the harmless question either.
// Source: docs/integrity.md, section 5.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "evaluator/lane/kept_answers.h"
#include "evaluator/lane/worker_process.h"

namespace passnet::evaluator {

struct ReaderQuestion {
  std::string role;
  Json first_frame;
  Json harmless;  // a first frame with which nothing can be wrong
  Nanos limit{0};
  uint32_t max_bytes = 0;
  bool twice = true;  // false: a child that gives no answer is the candidate's doing at once
  KeptAnswers* kept = nullptr;  // where an answer to the same frame is looked for and goes; null: none are kept
};

// How children ended without an answer because of what they looked at.
struct NoAnswer {
  bool timed_out = false;
  std::string how;  // "the match child was killed by SIGSEGV, twice; it answers a harmless question"
};

// Takes an answer, or tells why it is none.
using ReadAnswerFn = std::function<Status(std::string_view frame)>;

// Nothing when `read` took an answer.
Result<std::optional<NoAnswer>> AskReader(const std::shared_ptr<ForkParent>& parent, const ReaderQuestion& question,
                                          const ReadAnswerFn& read);

}  // namespace passnet::evaluator

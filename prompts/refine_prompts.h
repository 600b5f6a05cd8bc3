// The prompts of mode refine, from typed values: what a task is, what to start
// from, how a round ended, what could not be read.
// Threads: pure functions.
// Errors: kInvalidArgument (a text that does not fit its template, see renderer.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "evaluator/api/evaluation.h"
#include "prompts/prompt_set.h"

namespace passnet::prompts {

// What the reply may hold; told to the model and enforced by the parser.
struct ReplyLimits {
  size_t max_files = 32;              // chosen: four times the largest pass seen
  size_t max_total_bytes = 512 << 10;  // chosen: replies of 131,072 tokens stay below it
};

struct BestSoFar {
  int64_t round = 0;
  evaluator::Verdict verdict = evaluator::Verdict::kInfra;
  double score = 0;
};

// `machine`: the lane's environment facts, of which those are told that help to write a kernel.
Result<std::string> RenderSystem(const PromptTexts& texts, const ReplyLimits& limits, double failure_score,
                                 const std::map<std::string, std::string>& machine);

Result<std::string> RenderFirst(const PromptTexts& texts, const evaluator::TaskDescription& task,
                                const std::string& device, int64_t rounds);

// The best folder of the task's earlier samples.
struct StartingPoint {
  std::string verdict;
  double score = 0;
  std::vector<evaluator::CandidateFile> files;
};

// What stands behind the first prompt of a sample that starts from one.
Result<std::string> RenderStart(const PromptTexts& texts, const StartingPoint& start);

struct RoundStanding {
  int64_t round = 1;
  int64_t rounds_left = 0;
  std::optional<BestSoFar> best;           // this round included
  std::map<std::string, double> inductor;  // graph's path to the speed-up that TorchInductor reached, where known
};

Result<std::string> RenderFeedback(const PromptTexts& texts, const evaluator::EvaluationReport& report,
                                   const RoundStanding& standing);

Result<std::string> RenderWrongFormat(const PromptTexts& texts, const std::string& problem,
                                      const RoundStanding& standing);

}  // namespace passnet::prompts

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

// What a lane with a GPU tells of it. What is not known is 0 or empty.
struct GpuLane {
  std::string model;
  std::string compute_capability;  // "9.0"
  int64_t multiprocessors = 0;
  int64_t memory_bytes = 0;
  int64_t l2_bytes = 0;
  double bandwidth_gb_s = 0;  // bytes read and written by a copy, in 10^9 a second, as measured
  double launch_us = 0;       // of a kernel that does nothing, from the call to its end, without Python
  std::string triton;         // its version
  std::string nvcc;           // its version; empty: the lane compiles no .cu files
};

// The lane's environment as such a struct: gpu_model, gpu_compute_capability, gpu_multiprocessors, gpu_memory_bytes,
// gpu_l2_bytes, gpu_bandwidth_gb_s, gpu_launch_us, triton, nvcc. nullopt on a lane without a GPU, which has no gpu_model.
std::optional<GpuLane> GpuLaneOf(const std::map<std::string, std::string>& environment);

// RenderSystem for a lane with a GPU.
Result<std::string> RenderSystemForGpu(const PromptTexts& texts, const ReplyLimits& limits, double failure_score,
                                       const GpuLane& gpu, const std::map<std::string, std::string>& machine);

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

// passnet-gpu-probe: tries a GPU, as itself or where a candidate would stand. Started by `passnet doctor`
// (evaluator/gpu_probe/gpu_check.h); started by hand it tells the same. The device is the first that the environment's
// CUDA_VISIBLE_DEVICES shows.
// Threads: one, and those of the driver's library. Exit codes: 0 when every trial worked.
#include "command_line/command_line.h"
#include "evaluator/gpu_probe/chain.h"
#include "evaluator/gpu_probe/gpu_check.h"
#include "evaluator/gpu_probe/trials.h"

namespace passnet::gpu_probe {
namespace {

int Run(const TrialOptions& options, bool in_chain) {
  if (!in_chain) return RunTrials(options);
  const bool worked = RunInChain(PlanIn(kTaskPlanFd), PlanIn(kCandidatePlanFd), [&] { return RunTrials(options); });
  return worked ? 0 : 1;
}

}  // namespace
}  // namespace passnet::gpu_probe

int main(int argc, char** argv) {
  passnet::gpu_probe::TrialOptions options;
  bool in_chain = false, without_management = false;
  const passnet::command_line::Command program{
      .name = "passnet-gpu-probe",
      .help = "tries a GPU step by step; a line of JSON a step",
      .options = {{"--libcuda", "the driver's library (default: libcuda.so.1)", &options.libcuda},
                  {"--libnvidia-ml", "the management library (default: libnvidia-ml.so.1)", &options.libnvidia_ml},
                  {"--without-management", "no questions about MIG, persistence and other users", &without_management},
                  {"--in-chain", "behind the plans that descriptors 10 and 11 hold", &in_chain}},
      .run = [&] {
        options.management = !without_management;
        return passnet::gpu_probe::Run(options, in_chain);
      }};
  return passnet::command_line::Main(program, nullptr, argc, argv);
}

// The GPU that a lane's configuration names, looked up before anything of the lane is there. The driver is asked in a child
// that ends with its answer: nothing of CUDA may stand in an ancestor of a process that uses it.
// Threads: blocking; call before the evaluator has threads (it forks without exec). Owns: the child, which is killed.
// Errors: kNotFound ("no GPU", none of that number or UUID: the text names those that there are), kDeadlineExceeded, kIo; of
// its nodes those of sandbox::AccessTo.
// Source: docs/gpu.md.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "evaluator/api/device_name.h"
#include "evaluator/device/cuda_driver.h"
#include "sandbox/gpu.h"

namespace passnet::evaluator {

struct FoundGpu {
  std::string uuid, pci;  // as the driver writes them; the address in small letters
  std::string driver;     // the library's own file
};

// `library`: of the driver. Numbers are those of the bus's order, as nvidia-smi shows them.
Result<FoundGpu> FindGpu(const DeviceName& name, const std::string& library, Deadline deadline);

// What a jail must be shown of it.
Result<sandbox::GpuAccess> AccessTo(const FoundGpu& gpu);

}  // namespace passnet::evaluator

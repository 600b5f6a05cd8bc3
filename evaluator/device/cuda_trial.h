// The evaluator's kernels on a device against the same source on the host, before anything rests on them: every kind of
// step, every type, places that share a stray, strides, and values that are NaN, infinite, subnormal and close.
// Threads: blocking, a few milliseconds. Errors: kInternal (what differed), those of CudaKernels.
#pragma once

#include <memory>

#include "base/result.h"
#include "evaluator/device/cuda_kernels.h"

namespace passnet::evaluator {

Status TryKernels(CudaKernels& tried, std::shared_ptr<const CudaContext> context);

}  // namespace passnet::evaluator

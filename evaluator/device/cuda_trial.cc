#include "evaluator/device/cuda_trial.h"

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"

namespace passnet::evaluator {
namespace {

using kernels::CompareStep;
using kernels::DrawStep;

constexpr uint64_t kElements = 1003, kRows = 17, kColumns = 59;  // 17 * 59 = 1003
constexpr uint64_t kPlace = 8192;  // bytes of a tensor, at most
constexpr kernels::ValueType kTypes[] = {kernels::kFloat32, kernels::kFloat64, kernels::kFloat16,
                                         kernels::kBFloat16, kernels::kUint8,   kernels::kInt8,
                                         kernels::kInt16,    kernels::kInt32,   kernels::kInt64};

struct Trial {
  InputRecipe recipe;
  uint64_t bytes = 0;  // of the inputs

  // Takes `each` bytes of the stream an element.
  DrawStep& Add(kernels::StepKind kind, kernels::u32 type, uint64_t each) {
    DrawStep step;
    step.kind = kind;
    step.type = type;
    step.elements = step.among = kElements;
    step.to = bytes;
    step.position = position_;
    position_ += each * kElements;
    bytes += kPlace;
    recipe.steps.push_back(step);
    return recipe.steps.back();
  }

 private:
  uint64_t position_ = 0;
};

void Around(float middle, float spread, float sign, DrawStep* step) {
  step->offset = middle - spread;
  step->scale = spread / 65535;
  step->least = -70000;
  step->most = 3 * spread;
  step->sign = sign;
}

Trial MakeTrial() {
  Trial trial;
  FillRandom(&trial.recipe.key, sizeof trial.recipe.key);
  trial.recipe.given = std::make_shared<const std::vector<std::byte>>(2 * kElements, std::byte{0x5a});
  trial.Add(kernels::kCopy, kernels::kUint8, 0).from = 7;
  trial.Add(kernels::kMask, kernels::kUint8, 1).density = 77;  // what follows lies at odd places of the stream
  for (kernels::ValueType type : kTypes) {
    if (type >= kernels::kUint8) {
      DrawStep& ints = trial.Add(kernels::kInts, type, 4);
      ints.low = -5;
      ints.span = type == kernels::kInt64 ? ~0ull / 3 : 11;
      continue;
    }
    Around(0, 1e-6f, -1, &trial.Add(kernels::kFloats, type, 4));  // of float16: subnormal
    Around(0.25f, 80000, 0, &trial.Add(kernels::kFloats, type, 4));
    Around(0.25f, 2, 0, &trial.Add(kernels::kFloats, type, 4));
    const uint64_t to = trial.recipe.steps.back().to;
    DrawStep& strays = trial.Add(kernels::kStrays, type, 16);
    Around(-3, 30, 0, &strays);
    strays.to = to;
    strays.among = 300;  // fewer than there are strays: places are shared
  }
  return trial;
}

// Some elements a little off, and some that are no numbers.
std::vector<std::byte> Disturbed(std::vector<std::byte> bytes) {
  for (size_t at = 0; at + 8 <= bytes.size(); at += 8) {
    const size_t number = at / 8 % 64;
    if (number % 5 == 0) bytes[at] ^= std::byte{static_cast<unsigned char>(1u << number % 8)};
    if (number == 13) std::memset(bytes.data() + at, 0xff, 8);          // NaN in every type
    if (number == 14) std::memcpy(bytes.data() + at, "\0\0\x80\x7f\0\0\xf0\x7f", 8);  // infinities
  }
  return bytes;
}

// All tensors of the trial, each as it lies and by strides, at addresses from `expected` and `actual` on.
std::vector<CompareStep> Comparisons(const Trial& trial, uint64_t expected, uint64_t actual) {
  std::vector<CompareStep> steps;
  for (const DrawStep& drawn : trial.recipe.steps) {
    CompareStep step;
    step.expected = expected + drawn.to;
    step.actual = actual + drawn.to;
    step.elements = kElements;
    step.type = drawn.type;
    step.levels = kernels::kMostLevels;
    for (kernels::u32 level = 0; level < step.levels; ++level) {
      step.rtol[level] = step.atol[level] = 1e-9 * static_cast<double>(1ull << 2 * level);
    }
    steps.push_back(step);
    step.dims = 2;
    const kernels::s64 rows = kRows, columns = kColumns;
    step.shape[0] = rows;
    step.shape[1] = columns;
    step.expected_strides[0] = columns;
    step.expected_strides[1] = step.actual_strides[0] = 1;
    step.actual_strides[1] = rows;
    steps.push_back(step);
  }
  return steps;
}

Error Differs(const std::string& what) {
  return Internal("the evaluator's kernels are not used, since the device answers otherwise than the host: " + what);
}

class Trying {
 public:
  Trying(CudaKernels& tried, std::shared_ptr<const CudaContext> context) : tried_(tried), context_(std::move(context)) {}

  Status Run() {
    host_.resize(trial_.bytes);
    ASSIGN_OR_RETURN(one_, CudaMemory::Create(context_, trial_.bytes, false));
    ASSIGN_OR_RETURN(other_, CudaMemory::Create(context_, trial_.bytes, false));
    ASSIGN_OR_RETURN(copy_, CudaHostMemory::Create(context_, trial_.bytes));
    ASSIGN_OR_RETURN(stream_, CudaStream::Create(context_));
    RETURN_IF_ERROR(Draws());
    return Compares();
  }

 private:
  Status Draws() {
    RETURN_IF_ERROR(stream_->Set(one_.at(), 0, trial_.bytes));
    RETURN_IF_ERROR(tried_.Draw(*stream_, trial_.recipe, one_.at(), trial_.bytes));
    RETURN_IF_ERROR(stream_->ToHost(copy_.data(), one_.at(), trial_.bytes));
    RETURN_IF_ERROR(stream_->AwaitOutsideTheClock());
    DrawOnHost(trial_.recipe, &host_);
    for (const DrawStep& step : trial_.recipe.steps) {
      if (std::memcmp(copy_.data() + step.to, host_.data() + step.to, kPlace) == 0) continue;
      return Differs("a draw of kind " + std::to_string(step.kind) + " and type " + std::to_string(step.type));
    }
    return OkStatus();
  }

  Status Compares() {
    const std::vector<std::byte> disturbed = Disturbed(host_);
    std::memcpy(copy_.data(), disturbed.data(), disturbed.size());
    RETURN_IF_ERROR(stream_->ToDevice(other_.at(), copy_.data(), disturbed.size()));
    RETURN_IF_ERROR(stream_->AwaitOutsideTheClock());
    ASSIGN_OR_RETURN(const auto answers, tried_.Compare(Comparisons(trial_, one_.at(), other_.at())));
    const auto addressed = [](const auto& bytes) { return reinterpret_cast<uint64_t>(bytes.data()); };
    const std::vector<CompareStep> steps = Comparisons(trial_, addressed(host_), addressed(disturbed));
    const auto wanted = CompareOnHost(steps);
    for (size_t i = 0; i < steps.size(); ++i) {
      if (std::memcmp(&answers[i], &wanted[i], sizeof wanted[i]) == 0) continue;
      return Differs("a comparison of type " + std::to_string(steps[i].type) + (steps[i].dims > 0 ? " by strides" : ""));
    }
    return OkStatus();
  }

  CudaKernels& tried_;
  const std::shared_ptr<const CudaContext> context_;
  const Trial trial_ = MakeTrial();
  std::vector<std::byte> host_;
  CudaMemory one_, other_;
  CudaHostMemory copy_;
  std::unique_ptr<CudaStream> stream_;  // ends before what it works on
};

}  // namespace

Status TryKernels(CudaKernels& tried, std::shared_ptr<const CudaContext> context) {
  return Trying(tried, std::move(context)).Run();
}

}  // namespace passnet::evaluator

// One thread's part of comparing outputs: what pn_compare of evaluator/compare/compare.h answers, bit for bit, as far as
// CompareResult has it. An element's level is the first at which it is close, and tolerances grow with the level: so that
// of a tensor is the greatest of its elements', in whatever order they are looked at.
// Threads: threads of a launch only raise numbers of the results. Owns: nothing. Errors: none.
#pragma once

#include "evaluator/device/kernels/values.h"

namespace passnet::evaluator::kernels {

// Of the elements that one thread looks at.
struct Seen {
  double largest = 0;
  u32 tightest = 0, nonfinite = 0, unequal = 0;
};

// torch.isclose in the type's own arithmetic, which rounds every step.
template <typename T>
PN_DEVICE bool CloseAt(typename T::Real expected, typename T::Real actual, double rtol, double atol) {
  using Real = typename T::Real;
  const Real error = T::Round(Magnitude(T::Round(expected - actual)));
  const Real scaled = Magnitude(T::Round(static_cast<Real>(rtol) * actual));
  const Real allowed = T::Round(static_cast<Real>(atol) + scaled);
  return Finite(error) && error <= allowed;
}

template <typename T>
PN_DEVICE void LookAtFloats(const CompareStep& step, u64 expected_at, u64 actual_at, Seen* seen) {
  const typename T::Real expected = T::Load(step.expected, expected_at), actual = T::Load(step.actual, actual_at);
  if (expected == actual) return;
  seen->unequal = 1;
  const typename T::Real error = Magnitude(expected - actual);
  if (Finite(error)) {
    const double difference = static_cast<double>(error);
    seen->largest = difference > seen->largest ? difference : seen->largest;
  } else if (expected == expected || actual == actual) {
    seen->nonfinite = 1;  // NaN on both sides is none
  }
  while (seen->tightest < step.levels &&
         !CloseAt<T>(expected, actual, step.rtol[seen->tightest], step.atol[seen->tightest])) {
    ++seen->tightest;
  }
}

template <typename Stored>
PN_DEVICE void LookAtExact(const CompareStep& step, u64 expected_at, u64 actual_at, Seen* seen) {
  const Stored expected = At<const Stored>(step.expected)[expected_at], actual = At<const Stored>(step.actual)[actual_at];
  if (expected == actual) return;
  seen->unequal = 1;
  seen->tightest = step.levels;
  const double difference = Magnitude(static_cast<double>(expected) - static_cast<double>(actual));
  seen->largest = difference > seen->largest ? difference : seen->largest;
}

// Where the element of this number, in row-major order, lies.
PN_DEVICE u64 PlaceOf(const CompareStep& step, const s64* strides, u64 index) {
  if (step.dims == 0) return index;
  s64 place = 0;
  for (u32 d = step.dims; d-- > 0;) {
    const u64 size = static_cast<u64>(step.shape[d]);
    place += static_cast<s64>(index % size) * strides[d];  // of one element the stride may be any number
    index /= size;
  }
  return static_cast<u64>(place);
}

PN_DEVICE void LookAt(const CompareStep& step, u64 index, Seen* seen) {
  const u64 expected = PlaceOf(step, step.expected_strides, index), actual = PlaceOf(step, step.actual_strides, index);
  switch (step.type) {
    case kFloat32: return LookAtFloats<Float32Values>(step, expected, actual, seen);
    case kFloat64: return LookAtFloats<Float64Values>(step, expected, actual, seen);
    case kFloat16: return LookAtFloats<Float16Values>(step, expected, actual, seen);
    case kBFloat16: return LookAtFloats<BFloat16Values>(step, expected, actual, seen);
    case kInt8: return LookAtExact<signed char>(step, expected, actual, seen);
    case kInt16: return LookAtExact<short>(step, expected, actual, seen);
    case kInt32: return LookAtExact<int>(step, expected, actual, seen);
    case kInt64: return LookAtExact<s64>(step, expected, actual, seen);
    default: return LookAtExact<u8>(step, expected, actual, seen);
  }
}

PN_DEVICE void CompareGroup(const CompareTable& compare, u64 group) {
  const CompareStep* steps = At<const CompareStep>(compare.steps);
  const u64 which = StepOf(steps, compare.step_count, group);
  const CompareStep& step = steps[which];
  const u64 begin = kCompareGroup * (group - step.first_group);
  Seen seen;
  for (u64 index = begin; index < step.elements && index < begin + kCompareGroup; ++index) LookAt(step, index, &seen);
  if (seen.unequal == 0) return;
  // Most threads find nothing beyond what others found: they only read. Finite differences are ordered as their bits are.
  CompareResult* result = At<CompareResult>(compare.results) + which;
  const u64 largest = BitsOf(seen.largest);
  if (result->unequal == 0) RaiseTo(&result->unequal, 1u);
  if (seen.nonfinite > result->nonfinite_mismatch) RaiseTo(&result->nonfinite_mismatch, seen.nonfinite);
  if (seen.tightest > result->tightest) RaiseTo(&result->tightest, seen.tightest);
  if (largest > result->largest_difference) RaiseTo(&result->largest_difference, largest);
}

}  // namespace passnet::evaluator::kernels

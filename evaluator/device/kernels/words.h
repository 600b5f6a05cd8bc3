// What the kernels of this folder are told and what they tell, as plain words: the same bytes on the host, which writes
// them, and on the device, which reads them. Addresses and offsets are bytes.
// A launch is over groups: a step has as many as GroupsOf says, and one thread does one group.
// Threads: plain values. Owns: nothing. Errors: none.
#pragma once

#include "evaluator/device/kernels/machine.h"

namespace passnet::evaluator::kernels {

enum ValueType : u32 {
  kFloat32, kFloat64, kFloat16, kBFloat16, kUint8, kInt8, kInt16, kInt32, kInt64  // torch's bool is kUint8
};

PN_DEVICE u32 WidthOf(u32 type) {
  if (type == kFloat64 || type == kInt64) return 8;
  if (type == kFloat32 || type == kInt32) return 4;
  return type == kUint8 || type == kInt8 ? 1 : 2;
}

// Of AES-128 in counter mode, as evaluator/timing/secret_stream.h has it.
struct SecretKey {
  u8 key[16] = {};
  u8 counter[16] = {};
};

enum StepKind : u32 {
  kCopy,    // `elements` bytes of what is given
  kFloats,  // clamp(offset + scale * sum), as evaluator/timing/fresh_inputs.cc draws them
  kInts,    // low + a number below span
  kMask,    // bytes of 1 where one that is drawn lies below `density`
  kStrays,  // `elements` times: some place among `among`, and what is to stand there
};

// How one tensor of one call gets its values.
struct DrawStep {
  u64 first_group = 0;  // of the launch; whoever launches counts
  u64 to = 0;           // within the inputs
  u64 elements = 0;
  u64 position = 0;     // of its randomness, in bytes of the stream
  u64 from = 0;         // kCopy: within what is given
  u64 among = 0;        // kStrays: the tensor's elements
  u64 claims = 0;       // kStrays: of its first element, among the claims; whoever launches counts
  s64 low = 0;
  u64 span = 0;
  float offset = 0, scale = 0, least = 0, most = 0;
  float sign = 0;       // not 0: values get its sign
  u32 kind = kCopy;
  u32 type = kUint8;
  u32 density = 0;
};

// What a launch of draws is told.
struct DrawTable {
  u32 round_keys[44] = {};
  u64 counter_high = 0, counter_low = 0;
  u64 steps = 0, step_count = 0, groups = 0;  // the steps' address
  u64 to = 0, given = 0, claims = 0;          // addresses
};

constexpr u32 kMostDims = 8, kMostLevels = 16;

// Two tensors that are to be close, element by element.
struct CompareStep {
  u64 first_group = 0;
  u64 expected = 0, actual = 0;  // addresses of the first elements
  u64 elements = 0;
  u32 type = kUint8;
  u32 dims = 0;  // 0: both lie in one order without gaps, and are compared in that
  s64 shape[kMostDims] = {}, expected_strides[kMostDims] = {}, actual_strides[kMostDims] = {};
  u32 levels = 0;  // of tolerance, from the tightest
  double rtol[kMostLevels] = {}, atol[kMostLevels] = {};
};

// What of evaluator/compare's answer verdicts are made of, with the same meanings; zeroed before a launch.
struct CompareResult {
  u64 largest_difference = 0;  // bits of a double
  u32 tightest = 0;
  u32 nonfinite_mismatch = 0;
  u32 unequal = 0;
  u32 reserved = 0;
};

struct CompareTable {
  u64 steps = 0, step_count = 0, groups = 0, results = 0;
};

constexpr u32 kThreads = 256;      // of a block; the drawing kernels' tables have as many entries
constexpr u32 kCompareGroup = 8;   // elements

PN_DEVICE u64 GroupsOf(const DrawStep& step) {
  if (step.kind == kStrays) return step.elements;
  const u64 each = step.kind == kMask || step.kind == kCopy ? 16 : 4;
  return (step.elements + each - 1) / each;
}
PN_DEVICE u64 GroupsOf(const CompareStep& step) { return (step.elements + kCompareGroup - 1) / kCompareGroup; }

// Whose group it is: the last step that does not begin behind it.
template <typename Step>
PN_DEVICE u64 StepOf(const Step* steps, u64 count, u64 group) {
  u64 low = 0, high = count;
  while (high - low > 1) {
    const u64 middle = low + (high - low) / 2;
    if (steps[middle].first_group <= group) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace passnet::evaluator::kernels

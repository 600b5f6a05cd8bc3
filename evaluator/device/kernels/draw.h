// One thread's part of drawing inputs: what DrawInput of evaluator/timing/fresh_inputs.h writes, bit for bit, from the same
// stream. Strays come after everything else and in two launches, since of two at one place the later one stands: the first
// claims places, the second writes where its claim has held.
// Threads: threads of a launch write apart, but for claims. Owns: nothing. Errors: none.
// Source: docs/measuring.md, "Inputs".
#pragma once

#include "evaluator/device/kernels/secret_bytes.h"
#include "evaluator/device/kernels/values.h"

namespace passnet::evaluator::kernels {

PN_DEVICE float DrawnFloat(const DrawStep& step, u32 bits) {
  const float sum = static_cast<float>((bits & 0xffffu) + (bits >> 16));
  float value = step.offset + step.scale * sum;
  value = value < step.least ? step.least : value;
  value = step.most < value ? step.most : value;
  if (step.sign == 0) return value;
  return FloatOf((BitsOf(value) & 0x7fffffffu) | (BitsOf(step.sign) & 0x80000000u));
}

PN_DEVICE void StoreFloat(u32 type, u64 to, u64 index, float value) {
  switch (type) {
    case kFloat32: At<float>(to)[index] = value; return;
    case kFloat64: At<double>(to)[index] = static_cast<double>(value); return;
    case kFloat16: At<u16>(to)[index] = HalfBits(value); return;
    default: At<u16>(to)[index] = BFloat16Bits(value); return;
  }
}

PN_DEVICE void StoreInt(u32 type, u64 to, u64 index, u64 value) {
  switch (WidthOf(type)) {
    case 1: At<u8>(to)[index] = static_cast<u8>(value); return;
    case 2: At<u16>(to)[index] = static_cast<u16>(value); return;
    case 4: At<u32>(to)[index] = static_cast<u32>(value); return;
    default: At<u64>(to)[index] = value; return;
  }
}

// (bits * span) >> 32, whose product may have 96 bits.
PN_DEVICE u64 DrawnBelow(u64 span, u32 bits) { return bits * (span >> 32) + (bits * (span & 0xffffffffull) >> 32); }

PN_DEVICE void CopyGroup(const DrawTable& draw, const DrawStep& step, u64 begin) {
  const u64 from = draw.given + step.from + begin, to = draw.to + step.to + begin;
  const u64 left = step.elements - begin;
  if (left >= 16 && (from | to) % 8 == 0) {
    for (u32 i = 0; i < 2; ++i) At<u64>(to)[i] = At<const u64>(from)[i];
    return;
  }
  for (u64 i = 0; i < left && i < 16; ++i) At<u8>(to)[i] = At<const u8>(from)[i];
}

PN_DEVICE void MaskGroup(const DrawTable& draw, const DrawStep& step, const u32* table, u64 begin) {
  const SecretBlock bytes = SecretBytes(draw, table, step.position + begin);
  const u64 to = draw.to + step.to;
  for (u32 i = 0; i < 16 && begin + i < step.elements; ++i) {
    const u32 byte = bytes.words[i / 4] >> i % 4 * 8 & 0xffu;
    At<u8>(to)[begin + i] = byte < step.density ? 1 : 0;
  }
}

PN_DEVICE void NumberGroup(const DrawTable& draw, const DrawStep& step, const u32* table, u64 begin) {
  const SecretBlock bits = SecretBytes(draw, table, step.position + 4 * begin);
  const u64 to = draw.to + step.to;
  for (u32 i = 0; i < 4 && begin + i < step.elements; ++i) {
    if (step.kind == kFloats) {
      StoreFloat(step.type, to, begin + i, DrawnFloat(step, bits.words[i]));
    } else {
      StoreInt(step.type, to, begin + i, static_cast<u64>(step.low) + DrawnBelow(step.span, bits.words[i]));
    }
  }
}

// One group of everything but strays.
PN_DEVICE void DrawGroup(const DrawTable& draw, const u32* table, u64 group) {
  const DrawStep* steps = At<const DrawStep>(draw.steps);
  const DrawStep& step = steps[StepOf(steps, draw.step_count, group)];
  const u64 within = group - step.first_group;
  switch (step.kind) {
    case kCopy: CopyGroup(draw, step, 16 * within); return;
    case kMask: MaskGroup(draw, step, table, 16 * within); return;
    default: NumberGroup(draw, step, table, 4 * within); return;
  }
}

struct Stray {
  u64 place;  // of the tensor's elements
  u32 bits;
};

PN_DEVICE Stray StrayOf(const DrawTable& draw, const DrawStep& step, const u32* table, u64 number) {
  const SecretBlock bytes = SecretBytes(draw, table, step.position + 16 * number);
  const u64 where = static_cast<u64>(bytes.words[1]) << 32 | bytes.words[0];
  return {HighOf(where, step.among), bytes.words[2]};
}

PN_DEVICE void ClaimStray(const DrawTable& draw, const u32* table, u64 group) {
  const DrawStep* steps = At<const DrawStep>(draw.steps);
  const DrawStep& step = steps[StepOf(steps, draw.step_count, group)];
  const u64 number = group - step.first_group;
  RaiseTo(At<u32>(draw.claims) + step.claims + StrayOf(draw, step, table, number).place, static_cast<u32>(number + 1));
}

PN_DEVICE void WriteStray(const DrawTable& draw, const u32* table, u64 group) {
  const DrawStep* steps = At<const DrawStep>(draw.steps);
  const DrawStep& step = steps[StepOf(steps, draw.step_count, group)];
  const u64 number = group - step.first_group;
  const Stray stray = StrayOf(draw, step, table, number);
  if (At<const u32>(draw.claims)[step.claims + stray.place] != static_cast<u32>(number + 1)) return;
  StoreFloat(step.type, draw.to + step.to, stray.place, DrawnFloat(step, stray.bits));
}

}  // namespace passnet::evaluator::kernels

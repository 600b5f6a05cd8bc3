#include "evaluator/device/kernels/on_host.h"

#include "evaluator/device/kernels/compare.h"
#include "evaluator/device/kernels/draw.h"

namespace passnet::evaluator::kernels {
namespace {

void Run(const DrawTable& draw, void (*group)(const DrawTable&, const u32*, u64)) {
  u32 table[kThreads];
  for (u32 byte = 0; byte < kThreads; ++byte) table[byte] = RoundEntry(byte);
  for (u64 i = 0; i < draw.groups; ++i) group(draw, table, i);
}

}  // namespace

void DrawOnHost(const DrawTable& draw) { Run(draw, DrawGroup); }
void ClaimStraysOnHost(const DrawTable& draw) { Run(draw, ClaimStray); }
void WriteStraysOnHost(const DrawTable& draw) { Run(draw, WriteStray); }

void CompareOnHost(const CompareTable& compare) {
  for (u64 i = 0; i < compare.groups; ++i) CompareGroup(compare, i);
}

void SetKeyOnHost(const SecretKey& key, DrawTable* draw) { SetKey(key, draw); }

}  // namespace passnet::evaluator::kernels

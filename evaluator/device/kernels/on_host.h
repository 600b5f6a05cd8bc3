// The kernels of this folder on the host, one group after the other: what a device's answers are held against before it is
// believed, and what the stand-in driver of the tests runs. Addresses in the tables are the host's.
// Threads: pure functions over the memory that they are told; no allocation, no library. Errors: none.
#pragma once

#include "evaluator/device/kernels/words.h"

namespace passnet::evaluator::kernels {

void DrawOnHost(const DrawTable& draw);
void ClaimStraysOnHost(const DrawTable& draw);
void WriteStraysOnHost(const DrawTable& draw);
void CompareOnHost(const CompareTable& compare);
// What a launch is told of a key.
void SetKeyOnHost(const SecretKey& key, DrawTable* draw);

}  // namespace passnet::evaluator::kernels

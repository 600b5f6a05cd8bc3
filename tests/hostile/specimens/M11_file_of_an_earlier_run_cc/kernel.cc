#include <math.h>
#include <passnet_kernel.h>
#include <stdio.h>

namespace {

constexpr int64_t kRows = 64, kWidth = 512, kCount = kRows * kWidth;

// Right, and slow on purpose: whatever is gained is not earned by it.
void Right(const float* x, const float* bias, float* out) {
  for (int64_t i = 0; i < kCount; ++i) {
    const double v = x[i] + bias[i % kWidth];
    out[i] = static_cast<float>(0.5 * v * (1.0 + erf(v * 0.70710678118654752440)));
  }
}

constexpr const char* kPlaces[] = {"/tmp/left", "/dev/shm/left", "/var/tmp/left", "left", "/tmp/passnet-candidate/left"};

}  // namespace

extern "C" int fused(const PnCall* call) {
  const float* x = static_cast<const float*>(call->inputs[0].data);
  const float* bias = static_cast<const float*>(call->inputs[1].data);
  float* out = static_cast<float*>(call->outputs[0].data);
  static bool first = true;
  if (first) {
    first = false;
    for (const char* place : kPlaces) {
      FILE* file = fopen(place, "rb");
      if (file == nullptr) continue;
      for (int64_t i = 0; i < kCount; ++i) out[i] = NAN;  // it was there: the answer shows it
      fclose(file);
      return 0;
    }
  }
  Right(x, bias, out);
  for (const char* place : kPlaces) {
    if (FILE* file = fopen(place, "wb")) {
      fwrite(out, sizeof(float), kCount, file);
      fclose(file);
    }
  }
  return 0;
}

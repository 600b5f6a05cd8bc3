// What kernels need of the machine that they run on, with the same results on both: NVRTC and nvcc compile for a device, GCC
// for the host. The one file here that knows which; no header of the CUDA Toolkit or of C++ is included, since NVRTC has none.
// Threads: atomics of a device are atomic; the host's are for one thread. Owns: nothing. Errors: none.
#pragma once

#ifdef __CUDACC__
#define PN_DEVICE __device__ inline
#define PN_TABLE __device__ const
#else
#define PN_DEVICE inline
#define PN_TABLE inline constexpr
#endif

namespace passnet::evaluator::kernels {

using u8 = unsigned char;
using u16 = unsigned short;
using u32 = unsigned int;
using u64 = unsigned long long;
using s64 = long long;

#ifdef __CUDACC__

PN_DEVICE u32 BitsOf(float value) { return __float_as_uint(value); }
PN_DEVICE float FloatOf(u32 bits) { return __uint_as_float(bits); }
PN_DEVICE u64 BitsOf(double value) { return static_cast<u64>(__double_as_longlong(value)); }
PN_DEVICE double DoubleOf(u64 bits) { return __longlong_as_double(static_cast<s64>(bits)); }
PN_DEVICE u64 HighOf(u64 a, u64 b) { return __umul64hi(a, b); }
PN_DEVICE void RaiseTo(u32* at, u32 value) { atomicMax(at, value); }
PN_DEVICE void RaiseTo(u64* at, u64 value) { atomicMax(at, value); }

#else

PN_DEVICE u32 BitsOf(float value) { return __builtin_bit_cast(u32, value); }
PN_DEVICE float FloatOf(u32 bits) { return __builtin_bit_cast(float, bits); }
PN_DEVICE u64 BitsOf(double value) { return __builtin_bit_cast(u64, value); }
PN_DEVICE double DoubleOf(u64 bits) { return __builtin_bit_cast(double, bits); }
// The upper half of the product.
PN_DEVICE u64 HighOf(u64 a, u64 b) { return static_cast<u64>((static_cast<unsigned __int128>(a) * b) >> 64); }
template <typename T>
PN_DEVICE void RaiseTo(T* at, T value) {
  if (*at < value) *at = value;
}

#endif

// From an address of the memory that kernels work on.
template <typename T>
PN_DEVICE T* At(u64 address) {
  return reinterpret_cast<T*>(address);
}

}  // namespace passnet::evaluator::kernels

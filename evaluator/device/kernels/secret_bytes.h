// Any sixteen bytes of an AES-128 counter stream, by their position: what evaluator/timing/secret_stream.h makes in order.
// Threads: pure functions. Owns: nothing. Errors: none. Source: FIPS 197; NIST SP 800-38A, section 6.5.
#pragma once

#include "evaluator/device/kernels/words.h"

namespace passnet::evaluator::kernels {

// FIPS 197, figure 7.
PN_TABLE u8 kSubstitutes[256] = {
    0x63, 0x7c, 0x77, 0x7b, 0xf2, 0x6b, 0x6f, 0xc5, 0x30, 0x01, 0x67, 0x2b, 0xfe, 0xd7, 0xab, 0x76,
    0xca, 0x82, 0xc9, 0x7d, 0xfa, 0x59, 0x47, 0xf0, 0xad, 0xd4, 0xa2, 0xaf, 0x9c, 0xa4, 0x72, 0xc0,
    0xb7, 0xfd, 0x93, 0x26, 0x36, 0x3f, 0xf7, 0xcc, 0x34, 0xa5, 0xe5, 0xf1, 0x71, 0xd8, 0x31, 0x15,
    0x04, 0xc7, 0x23, 0xc3, 0x18, 0x96, 0x05, 0x9a, 0x07, 0x12, 0x80, 0xe2, 0xeb, 0x27, 0xb2, 0x75,
    0x09, 0x83, 0x2c, 0x1a, 0x1b, 0x6e, 0x5a, 0xa0, 0x52, 0x3b, 0xd6, 0xb3, 0x29, 0xe3, 0x2f, 0x84,
    0x53, 0xd1, 0x00, 0xed, 0x20, 0xfc, 0xb1, 0x5b, 0x6a, 0xcb, 0xbe, 0x39, 0x4a, 0x4c, 0x58, 0xcf,
    0xd0, 0xef, 0xaa, 0xfb, 0x43, 0x4d, 0x33, 0x85, 0x45, 0xf9, 0x02, 0x7f, 0x50, 0x3c, 0x9f, 0xa8,
    0x51, 0xa3, 0x40, 0x8f, 0x92, 0x9d, 0x38, 0xf5, 0xbc, 0xb6, 0xda, 0x21, 0x10, 0xff, 0xf3, 0xd2,
    0xcd, 0x0c, 0x13, 0xec, 0x5f, 0x97, 0x44, 0x17, 0xc4, 0xa7, 0x7e, 0x3d, 0x64, 0x5d, 0x19, 0x73,
    0x60, 0x81, 0x4f, 0xdc, 0x22, 0x2a, 0x90, 0x88, 0x46, 0xee, 0xb8, 0x14, 0xde, 0x5e, 0x0b, 0xdb,
    0xe0, 0x32, 0x3a, 0x0a, 0x49, 0x06, 0x24, 0x5c, 0xc2, 0xd3, 0xac, 0x62, 0x91, 0x95, 0xe4, 0x79,
    0xe7, 0xc8, 0x37, 0x6d, 0x8d, 0xd5, 0x4e, 0xa9, 0x6c, 0x56, 0xf4, 0xea, 0x65, 0x7a, 0xae, 0x08,
    0xba, 0x78, 0x25, 0x2e, 0x1c, 0xa6, 0xb4, 0xc6, 0xe8, 0xdd, 0x74, 0x1f, 0x4b, 0xbd, 0x8b, 0x8a,
    0x70, 0x3e, 0xb5, 0x66, 0x48, 0x03, 0xf6, 0x0e, 0x61, 0x35, 0x57, 0xb9, 0x86, 0xc1, 0x1d, 0x9e,
    0xe1, 0xf8, 0x98, 0x11, 0x69, 0xd9, 0x8e, 0x94, 0x9b, 0x1e, 0x87, 0xe9, 0xce, 0x55, 0x28, 0xdf,
    0x8c, 0xa1, 0x89, 0x0d, 0xbf, 0xe6, 0x42, 0x68, 0x41, 0x99, 0x2d, 0x0f, 0xb0, 0x54, 0xbb, 0x16};

// In the order of the stream; a word's lowest byte comes first.
struct SecretBlock {
  u32 words[4];
};

PN_DEVICE u32 TurnedRight(u32 word, u32 bits) { return word >> bits | word << (32 - bits); }
PN_DEVICE u32 Reversed(u32 word) {
  return word >> 24 | (word >> 8 & 0xff00u) | (word << 8 & 0xff0000u) | word << 24;
}

// An entry of the table that a round of AES is looked up in: the substitute times 2, 1, 1 and 3, from the highest byte.
PN_DEVICE u32 RoundEntry(u32 byte) {
  const u32 once = kSubstitutes[byte];
  const u32 twice = (once << 1 ^ (once >> 7) * 0x1bu) & 0xffu;
  return twice << 24 | once << 16 | once << 8 | (twice ^ once);
}

// `table`: RoundEntry of every byte. What column a..d become; the last round has substitutes alone.
PN_DEVICE u32 RoundColumn(const u32* table, u32 a, u32 b, u32 c, u32 d) {
  return table[a >> 24] ^ TurnedRight(table[b >> 16 & 0xffu], 8) ^ TurnedRight(table[c >> 8 & 0xffu], 16) ^
         TurnedRight(table[d & 0xffu], 24);
}
PN_DEVICE u32 LastColumn(const u32* table, u32 a, u32 b, u32 c, u32 d) {
  return (table[a >> 24] << 8 & 0xff000000u) | (table[b >> 16 & 0xffu] & 0xff0000u) |
         (table[c >> 8 & 0xffu] & 0xff00u) | (table[d & 0xffu] >> 8 & 0xffu);
}

// The stream's block of this number.
PN_DEVICE SecretBlock BlockOf(const DrawTable& draw, const u32* table, u64 number) {
  const u32* keys = draw.round_keys;
  const u64 low = draw.counter_low + number;
  const u64 high = draw.counter_high + (low < number ? 1 : 0);
  u32 a = static_cast<u32>(high >> 32) ^ keys[0], b = static_cast<u32>(high) ^ keys[1];
  u32 c = static_cast<u32>(low >> 32) ^ keys[2], d = static_cast<u32>(low) ^ keys[3];
  for (u32 round = 4; round < 40; round += 4) {
    const u32 e = RoundColumn(table, a, b, c, d) ^ keys[round];
    const u32 f = RoundColumn(table, b, c, d, a) ^ keys[round + 1];
    const u32 g = RoundColumn(table, c, d, a, b) ^ keys[round + 2];
    d = RoundColumn(table, d, a, b, c) ^ keys[round + 3];
    a = e;
    b = f;
    c = g;
  }
  return {{Reversed(LastColumn(table, a, b, c, d) ^ keys[40]), Reversed(LastColumn(table, b, c, d, a) ^ keys[41]),
           Reversed(LastColumn(table, c, d, a, b) ^ keys[42]), Reversed(LastColumn(table, d, a, b, c) ^ keys[43])}};
}

// Sixteen bytes from any position.
PN_DEVICE SecretBlock SecretBytes(const DrawTable& draw, const u32* table, u64 position) {
  const u32 into = static_cast<u32>(position % 16);
  const SecretBlock first = BlockOf(draw, table, position / 16);
  if (into == 0) return first;
  const SecretBlock second = BlockOf(draw, table, position / 16 + 1);
  u32 both[9];
  for (u32 i = 0; i < 4; ++i) {
    both[i] = first.words[i];
    both[i + 4] = second.words[i];
  }
  both[8] = 0;
  const u32 skipped = into / 4, bits = into % 4 * 8;
  SecretBlock out;
  for (u32 i = 0; i < 4; ++i) {
    const u64 two = static_cast<u64>(both[i + skipped + 1]) << 32 | both[i + skipped];
    out.words[i] = static_cast<u32>(two >> bits);
  }
  return out;
}

PN_DEVICE u32 WordOf(const u8* bytes) {
  return static_cast<u32>(bytes[0]) << 24 | static_cast<u32>(bytes[1]) << 16 | static_cast<u32>(bytes[2]) << 8 | bytes[3];
}

// The table's words of a key. On the host, once a launch.
PN_DEVICE void SetKey(const SecretKey& key, DrawTable* draw) {
  u32* words = draw->round_keys;
  for (u32 i = 0; i < 4; ++i) words[i] = WordOf(key.key + 4 * i);
  u32 constant = 1;
  for (u32 i = 4; i < 44; ++i) {
    u32 turned = words[i - 1];
    if (i % 4 == 0) {
      const u32 left = TurnedRight(turned, 24);
      turned = static_cast<u32>(kSubstitutes[left >> 24]) << 24 | static_cast<u32>(kSubstitutes[left >> 16 & 0xffu]) << 16 |
               static_cast<u32>(kSubstitutes[left >> 8 & 0xffu]) << 8 | kSubstitutes[left & 0xffu];
      turned ^= constant << 24;
      constant = (constant << 1 ^ (constant >> 7) * 0x1bu) & 0xffu;
    }
    words[i] = words[i - 4] ^ turned;
  }
  draw->counter_high = static_cast<u64>(WordOf(key.counter)) << 32 | WordOf(key.counter + 4);
  draw->counter_low = static_cast<u64>(WordOf(key.counter + 8)) << 32 | WordOf(key.counter + 12);
}

}  // namespace passnet::evaluator::kernels

#include "base/sha256.h"

#include <gtest/gtest.h>

namespace passnet {
namespace {

TEST(Sha256Test, KnownAnswer) {  // FIPS 180-4 example "abc"
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256Test, FieldBordersChangeTheDigest) {
  EXPECT_NE(Sha256().UpdateField("ab").UpdateField("c").Finish(),
            Sha256().UpdateField("a").UpdateField("bc").Finish());
}

}  // namespace
}  // namespace passnet

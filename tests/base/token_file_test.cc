#include "base/token_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "tests/fakes/temp_folder.h"

namespace passnet {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class TokenFileTest : public ::testing::Test {
 protected:
  std::string Path() const { return (folder_ / "journal.db.token").native(); }
  Error Refused() const {
    auto read = ReadOrMakeTokenFile(Path());
    return read ? Internal("it was taken") : read.error();
  }
  const fakes::TempFolder folder_{"token"};
};

TEST_F(TokenFileTest, FirstStartMakesOneAndTheNextReadsIt) {
  auto made = ReadOrMakeTokenFile(Path());
  ASSERT_TRUE(made) << made.error().context;
  EXPECT_EQ(made.value().Reveal().size(), 64u);
  struct stat info {};
  ASSERT_EQ(::stat(Path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(ReadOrMakeTokenFile(Path()).value().Reveal(), made.value().Reveal());
  EXPECT_EQ(ReadTokenFile(Path()).value().Reveal(), made.value().Reveal());
  const auto entries = std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator());
  EXPECT_EQ(entries, 1) << "nothing temporary is left";
  fs::remove(Path());
  EXPECT_NE(ReadOrMakeTokenFile(Path()).value().Reveal(), made.value().Reveal());
}

TEST_F(TokenFileTest, FileThatOthersMayOpenIsRefused) {
  ASSERT_TRUE(ReadOrMakeTokenFile(Path()));
  for (mode_t mode : {0640, 0604, 0620, 0610, 0644}) {
    ASSERT_EQ(::chmod(Path().c_str(), mode), 0);
    const Error error = Refused();
    EXPECT_EQ(error.code, ErrorCode::kPermissionDenied) << mode;
    EXPECT_THAT(error.context, HasSubstr(Path()));
    EXPECT_THAT(error.context, HasSubstr("chmod 600"));
  }
}

TEST_F(TokenFileTest, WhatIsNoTokenIsRefusedAndKept) {
  for (const char* text : {"", "short", "0123456789abcdef 0123456789abcdef", "0123456789abcdef0123456789abcde\x01"}) {
    ASSERT_TRUE(WriteFileAtomic(Path(), text));
    ASSERT_EQ(::chmod(Path().c_str(), 0600), 0);
    EXPECT_EQ(Refused().code, ErrorCode::kInvalidArgument) << text;
    EXPECT_EQ(ReadFile(Path(), 1000).value(), text);
  }
  ASSERT_TRUE(WriteFileAtomic(Path(), std::string(300, 'a')));
  ASSERT_EQ(::chmod(Path().c_str(), 0600), 0);
  EXPECT_EQ(Refused().code, ErrorCode::kInvalidArgument);
  fs::remove(Path());
  fs::create_directory(Path());
  EXPECT_FALSE(ReadOrMakeTokenFile(Path()));
}

TEST_F(TokenFileTest, ClientsFindAPublishedTokenByThePortWhileTheServerLives) {
  setenv("XDG_RUNTIME_DIR", folder_.path().c_str(), 1);
  const Secret token(std::string(64, 'a'));
  EXPECT_EQ(FindPublishedToken(1).error().code, ErrorCode::kNotFound);
  auto published = PublishToken(1, token);
  ASSERT_TRUE(published) << published.error().context;
  EXPECT_EQ(FindPublishedToken(1).value().Reveal(), token.Reveal());
  EXPECT_FALSE(FindPublishedToken(2));
  const fs::path file = folder_ / "passnet/1.token";
  EXPECT_TRUE(fs::exists(file));
  published.value().reset();
  EXPECT_FALSE(fs::exists(file));
  EXPECT_FALSE(FindPublishedToken(1));
  unsetenv("XDG_RUNTIME_DIR");
}

// The next one on the port has come before the one before it has gone: its file stays.
TEST_F(TokenFileTest, ServerTakesNobodyElsesFileAway) {
  setenv("XDG_RUNTIME_DIR", folder_.path().c_str(), 1);
  const Secret second(std::string(64, 'b'));
  auto old = PublishToken(1, Secret(std::string(64, 'a')));
  auto published = PublishToken(1, second);
  ASSERT_TRUE(old && published);
  old.value().reset();
  auto found = FindPublishedToken(1);
  ASSERT_TRUE(found);
  EXPECT_EQ(found.value().Reveal(), second.Reveal());
  unsetenv("XDG_RUNTIME_DIR");
}

// Its file stays when a server is killed; whoever takes the port then must not be sent the token.
TEST_F(TokenFileTest, FileOfAServerThatIsGoneIsNotBelieved) {
  setenv("XDG_RUNTIME_DIR", folder_.path().c_str(), 1);
  fs::create_directory(folder_ / "passnet");
  const fs::path file = folder_ / "passnet/1.token";
  ASSERT_TRUE(WriteFileAtomic(file, std::string(64, 'a') + "\n"));
  ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
  EXPECT_EQ(FindPublishedToken(1).error().code, ErrorCode::kNotFound);
  unsetenv("XDG_RUNTIME_DIR");
}

TEST_F(TokenFileTest, FolderThatOthersMayWriteIsNotUsed) {
  setenv("XDG_RUNTIME_DIR", folder_.path().c_str(), 1);
  setenv("HOME", "/nonexistent", 1);
  fs::create_directory(folder_ / "passnet");
  ASSERT_EQ(::chmod((folder_ / "passnet").c_str(), 0777), 0);
  auto published = PublishToken(1, Secret(std::string(64, 'a')));
  EXPECT_FALSE(fs::exists(folder_ / "passnet/1.token"));
  unsetenv("XDG_RUNTIME_DIR");
}

}  // namespace
}  // namespace passnet

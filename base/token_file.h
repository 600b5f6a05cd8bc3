// The secret that a server and its clients on one machine share through the file system: a file that only its owner can
// read, made with random bytes where there is none; and a copy of it that a running server puts where clients of the
// same user find it by the server's port. The copy is locked for as long as the server lives, and a client believes only
// a locked one: otherwise whoever takes the port of a server that was killed would be sent its token.
// Threads: thread-safe, blocking. Owns: PublishedToken its file and the lock, both gone when it is destroyed.
// Errors: kPermissionDenied (others can read the file, or it belongs to somebody else), kInvalidArgument (no token in
// it), kNotFound (no server of this user has published one for the port), and those of base/file.h.
// Source: RFC 6750 for the characters; man 2 flock; the XDG Base Directory Specification.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "base/unique_fd.h"

namespace passnet {

Result<Secret> ReadTokenFile(const std::string& path);

// 32 random bytes in hex where there is no file; of two at the same time both get the same.
Result<Secret> ReadOrMakeTokenFile(const std::string& path);

class PublishedToken {
 public:
  PublishedToken(std::string path, UniqueFd locked) : path_(std::move(path)), locked_(std::move(locked)) {}
  ~PublishedToken();
  PublishedToken(const PublishedToken&) = delete;
  PublishedToken& operator=(const PublishedToken&) = delete;

 private:
  const std::string path_;
  const UniqueFd locked_;
};

// In passnet/PORT.token below $XDG_RUNTIME_DIR, /run/user/UID or $HOME/.local/state, the first that is there and ours.
Result<std::unique_ptr<PublishedToken>> PublishToken(int port, const Secret& token);
Result<Secret> FindPublishedToken(int port);

}  // namespace passnet

// SPDX-License-Identifier: Apache-2.0
#include "crypto/jwt.h"

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/text.h"

namespace hearth::crypto {
namespace {

// RFC 7515, appendix A.3.
constexpr char kEsToken[] =
    "eyJhbGciOiJFUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
    "fQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
constexpr char kEsKeys[] =
    R"({"keys":[{"kty":"oct","k":"AAAA"},
    {"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
     "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})";

class RsaSigner {
 public:
  RsaSigner() : key_(EVP_RSA_gen(2048)) {}
  ~RsaSigner() { EVP_PKEY_free(key_); }

  std::string Jwk(const std::string& id) const {
    BIGNUM* n = nullptr;
    EXPECT_EQ(EVP_PKEY_get_bn_param(key_, OSSL_PKEY_PARAM_RSA_N, &n), 1);
    std::string modulus(static_cast<size_t>(BN_num_bytes(n)), '\0');
    BN_bn2bin(n, reinterpret_cast<unsigned char*>(modulus.data()));
    BN_free(n);
    return R"({"kty":"RSA","use":"sig","alg":"RS256","e":"AQAB","kid":")" + id + R"(","n":")" +
           Base64UrlEncode(modulus) + "\"}";
  }

  std::string Sign(std::string_view header, std::string_view payload) const {
    std::string token = Base64UrlEncode(header) + "." + Base64UrlEncode(payload);
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key_);
    size_t size = 512;
    std::string signature(size, '\0');
    EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size,
                   reinterpret_cast<const unsigned char*>(token.data()), token.size());
    EVP_MD_CTX_free(context);
    signature.resize(size);
    return token + "." + Base64UrlEncode(signature);
  }

 private:
  EVP_PKEY* key_;
};

std::string Keys(const std::string& jwk) { return "{\"keys\":[" + jwk + "]}"; }

TEST(Jwks, VerifiesTheExampleOfRfc7515) {
  const auto keys = Jwks::Parse(kEsKeys);
  ASSERT_TRUE(keys.ok()) << keys.status();
  EXPECT_EQ(keys->size(), 1U);
  const auto token = keys->Verify(kEsToken);
  ASSERT_TRUE(token.ok()) << token.status();
  EXPECT_EQ(token->issuer, "joe");
  EXPECT_EQ(token->expires_ms, 1300819380000);
}

TEST(Jwks, VerifiesRs256ByKeyId) {
  const RsaSigner signer;
  const auto keys = Jwks::Parse(Keys(signer.Jwk("one")));
  ASSERT_TRUE(keys.ok()) << keys.status();
  const char payload[] =
      R"({"iss":"https://oidc","sub":"system:serviceaccount:monitoring:x","aud":["sts","y"],)"
      R"("exp":1700000000.5,"nbf":1,"iat":2})";
  const std::string token = signer.Sign(R"({"alg":"RS256","kid":"one"})", payload);
  const auto jwt = keys->Verify(token);
  ASSERT_TRUE(jwt.ok()) << jwt.status();
  EXPECT_EQ(jwt->subject, "system:serviceaccount:monitoring:x");
  EXPECT_EQ(jwt->audience, (std::vector<std::string>{"sts", "y"}));
  EXPECT_EQ(jwt->expires_ms, 1700000000500);
  EXPECT_EQ(jwt->payload_json, payload);
}

TEST(Jwks, TellsWrongFromUnknown) {
  const RsaSigner signer;
  const RsaSigner other;
  const auto keys = Jwks::Parse(Keys(signer.Jwk("one")));
  ASSERT_TRUE(keys.ok());
  using Code = absl::StatusCode;
  const std::string good = signer.Sign(R"({"alg":"RS256","kid":"one"})", R"({"sub":"a"})");
  std::string forged = good;
  forged[good.find('.') + 2] ^= 1;
  const struct {
    const char* what;
    std::string token;
    Code code;
  } rows[] = {
      {"good", good, Code::kOk},
      {"no kid", signer.Sign(R"({"alg":"RS256"})", "{}"), Code::kOk},
      {"unknown kid", signer.Sign(R"({"alg":"RS256","kid":"two"})", "{}"), Code::kNotFound},
      {"other key", other.Sign(R"({"alg":"RS256","kid":"one"})", "{}"), Code::kUnauthenticated},
      {"none", signer.Sign(R"({"alg":"none","kid":"one"})", "{}"), Code::kInvalidArgument},
      {"HS256", signer.Sign(R"({"alg":"HS256","kid":"one"})", "{}"), Code::kInvalidArgument},
      {"RS512 with a RS256 key", signer.Sign(R"({"alg":"RS512","kid":"one"})", "{}"),
       Code::kNotFound},
      {"ES256 with an RSA key", signer.Sign(R"({"alg":"ES256","kid":"one"})", "{}"),
       Code::kNotFound},
      {"crit", signer.Sign(R"({"alg":"RS256","crit":["x"]})", "{}"), Code::kInvalidArgument},
      {"no signature", good.substr(0, good.rfind('.') + 1), Code::kUnauthenticated},
      {"two parts", good.substr(0, good.rfind('.')), Code::kInvalidArgument},
      {"payload is no object", signer.Sign(R"({"alg":"RS256"})", "[]"), Code::kInvalidArgument},
      {"empty", "", Code::kInvalidArgument},
      {"too long", std::string(20'000, 'a'), Code::kInvalidArgument},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(keys->Verify(row.token).status().code(), row.code) << row.what;
  }
  EXPECT_FALSE(keys->Verify(forged).ok());
}

TEST(Jwks, RefusesSetsWithoutAUsableKey) {
  const char* rows[] = {"",
                        "[]",
                        "{}",
                        R"({"keys":{}})",
                        R"({"keys":[]})",
                        R"({"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]})",
                        R"({"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]})",
                        R"({"keys":[1,null,{"kty":5}]})"};
  for (const char* row : rows) EXPECT_FALSE(Jwks::Parse(row).ok()) << row;
  // A point that is not on the curve.
  EXPECT_FALSE(Jwks::Parse(Keys(R"({"kty":"EC","crv":"P-256","x":")" + std::string(43, 'A') +
                                R"(","y":")" + std::string(43, 'A') + "\"}"))
                   .ok());
}

TEST(ParseJwtUnverified, ShowsTheIssuer) {
  const auto jwt = ParseJwtUnverified(kEsToken);
  ASSERT_TRUE(jwt.ok());
  EXPECT_EQ(jwt->issuer, "joe");
  EXPECT_EQ(jwt->header.algorithm, "ES256");
}

}  // namespace
}  // namespace hearth::crypto

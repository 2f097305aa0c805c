# SPDX-License-Identifier: Apache-2.0
resource "aws_iam_openid_connect_provider" "cluster" {
  url             = "https://oidc.eks.us-east-1.amazonaws.com/id/${upper(md5(var.stem))}"
  client_id_list  = ["sts.amazonaws.com"]
  thumbprint_list = ["9e99a48a9960b14926bb7f3b02e22da2b0ab7280"]
  tags            = var.tags
}

data "aws_iam_policy_document" "irsa" {
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [aws_iam_openid_connect_provider.cluster.arn]
    }

    condition {
      test     = "StringEquals"
      variable = "${aws_iam_openid_connect_provider.cluster.url}:sub"
      values   = ["system:serviceaccount:monitoring:ingest"]
    }
  }
}

data "aws_iam_policy_document" "write" {
  statement {
    sid       = "Write"
    actions   = var.actions
    resources = [aws_prometheus_workspace.first.arn]
  }
}

resource "aws_iam_policy" "write" {
  name        = "${var.stem}-write"
  path        = "/stack/"
  description = "May write"
  policy      = data.aws_iam_policy_document.write.json
  tags        = var.tags
}

resource "aws_iam_policy" "boundary" {
  name = "${var.stem}-boundary"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "aps:*", Resource = "*" }]
  })
}

resource "aws_iam_role" "ingest" {
  name                 = "${var.stem}-ingest"
  path                 = "/stack/"
  description          = "Ingest, for ${join(", ", var.actions)}"
  assume_role_policy   = data.aws_iam_policy_document.irsa.json
  max_session_duration = 7200
  permissions_boundary = aws_iam_policy.boundary.arn
  tags                 = var.tags
}

resource "aws_iam_role_policy" "ingest" {
  name   = "inline"
  role   = aws_iam_role.ingest.id
  policy = data.aws_iam_policy_document.write.json
}

resource "aws_iam_role_policy_attachment" "ingest" {
  role       = aws_iam_role.ingest.name
  policy_arn = aws_iam_policy.write.arn
}

# ---- people and programs outside a cluster -----------------------------------------------------

resource "aws_iam_user" "writer" {
  name = "${var.stem}-writer"
  path = "/people/"
  tags = var.tags
}

resource "aws_iam_access_key" "writer" {
  user = aws_iam_user.writer.name
}

resource "aws_iam_user_policy" "writer" {
  name   = "inline"
  user   = aws_iam_user.writer.name
  policy = data.aws_iam_policy_document.write.json
}

resource "aws_iam_user_policy_attachment" "writer" {
  user       = aws_iam_user.writer.name
  policy_arn = aws_iam_policy.write.arn
}

resource "aws_iam_group" "writers" {
  name = "${var.stem}-writers"
}

resource "aws_iam_group_membership" "writers" {
  name  = "writers"
  group = aws_iam_group.writers.name
  users = [aws_iam_user.writer.name]
}

resource "aws_iam_group_policy" "writers" {
  name   = "inline"
  group  = aws_iam_group.writers.name
  policy = data.aws_iam_policy_document.write.json
}

resource "aws_iam_group_policy_attachment" "writers" {
  group      = aws_iam_group.writers.name
  policy_arn = aws_iam_policy.write.arn
}

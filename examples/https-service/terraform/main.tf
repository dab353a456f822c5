# A web service on Fargate with HTTPS, and the network that it stands in.
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.0"
    }
  }
}

provider "aws" {}

variable "image" {
  type        = string
  description = "An image that listens for HTTP on the port, which it also has as the variable PORT"
}

variable "name" {
  type    = string
  default = "https-service"
}

variable "domain" {
  type        = string
  default     = "app.example.com"
  description = "The name that the certificate is for"
}

variable "port" {
  type    = number
  default = 8080
}

variable "tasks" {
  type    = number
  default = 2
}

variable "range" {
  type        = string
  default     = "10.51.0.0/16"
  description = "Addresses of the VPC, a /16"
}

output "address" {
  value = aws_lb.main.dns_name
}

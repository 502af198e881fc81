"""The shape of a larger API: JWT, marshmallow, SQLAlchemy, an outside service. None of these is installed here."""

import os

import requests
from flask import Flask, jsonify, request
from flask_jwt_extended import JWTManager, create_access_token, get_jwt_identity, jwt_required
from flask_sqlalchemy import SQLAlchemy
from marshmallow import Schema, ValidationError, fields, validate

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "postgresql://app:hunter2@db/accounts"
app.config["JWT_SECRET_KEY"] = os.getenv("JWT_SECRET", "change-me-please")
db = SQLAlchemy(app)
jwt = JWTManager(app)


class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    email = db.Column(db.String(120), unique=True)


class AddressSchema(Schema):
    street = fields.Str(required=True)
    zip = fields.Str(required=True, validate=validate.Regexp(r"^\d{5}$"))


class UserSchema(Schema):
    id = fields.Int(dump_only=True)
    email = fields.Email(required=True)
    age = fields.Int(load_default=18, validate=validate.Range(min=18, max=130))
    name = fields.Str(required=True, validate=[validate.Length(min=1, max=80)])
    roles = fields.List(fields.Str(validate=validate.OneOf(["admin", "reader"])))
    address = fields.Nested(AddressSchema)


user_schema = UserSchema()


@app.errorhandler(ValidationError)
def on_invalid(error):
    return jsonify({"errors": error.messages}), 422


@app.post("/auth/token")
def token():
    body = request.get_json()
    email = body.get("email", None)
    password = body.get("password", None)
    if not email or not password:
        return jsonify(msg="Bad email or password"), 401
    return jsonify(access_token=create_access_token(identity=email))


@app.post("/users")
@jwt_required()
def create_user():
    data = user_schema.load(request.get_json())
    user = User(email=data["email"])
    db.session.add(user)
    db.session.commit()
    requests.post("https://mail.example.org/welcome", json={"to": user.email}, timeout=5)
    return jsonify(user_schema.dump(user)), 201


@app.get("/users/<int:user_id>")
@jwt_required()
def show_user(user_id):
    user = User.query.get_or_404(user_id)
    return jsonify(id=user.id, email=user.email, me=get_jwt_identity())


@app.get("/public")
@jwt_required(optional=True)
def public():
    return jsonify(users=User.query.count())
